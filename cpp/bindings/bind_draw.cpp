#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "bindings.hpp"
#include "rebalance/draw.hpp"

namespace py = pybind11;

namespace {

using Groups = py::array_t<std::int32_t, py::array::c_style>;
using Identities = py::array_t<std::uint64_t, py::array::c_style>;

py::array_t<bool> draw(const Groups &group, const Identities &identity,
                       const std::vector<std::int64_t> &cap, std::uint64_t seed) {
  if (group.ndim() != 1 || identity.ndim() != 1 || group.shape(0) != identity.shape(0))
    throw std::invalid_argument("group and identity must be one-dimensional and of one length");
  py::array_t<bool> keep(group.shape(0));
  const std::int32_t *groups = group.data();
  const std::uint64_t *identities = identity.data();
  bool *out = keep.mutable_data();
  const auto n = static_cast<std::int64_t>(group.shape(0));
  const py::gil_scoped_release release;
  rebalance::draw(cap, groups, identities, n, seed, out);
  return keep;
}

py::array_t<std::uint64_t> identities_of(const py::list &names) {
  py::array_t<std::uint64_t> out(static_cast<py::ssize_t>(names.size()));
  auto at = out.mutable_unchecked<1>();
  py::ssize_t i = 0;
  for (const py::handle name : names) {
    at(i++) = rebalance::identity_of(py::cast<std::string_view>(name));
  }
  return out;
}

} // namespace

void bind_draw(py::module_ &module) {
  module.def("draw", &draw, "(P,) bool: the particles that stay, by the smallest keys.",
             py::arg("group").noconvert(), py::arg("identity").noconvert(), py::kw_only(),
             py::arg("cap"), py::arg("seed"));
  module.def("identities_of", &identities_of, "(P,) uint64 identities of a list of bytes.",
             py::arg("names"));
}
