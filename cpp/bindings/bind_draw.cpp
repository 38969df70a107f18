#include <algorithm> // for max_element
#include <optional>

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "bindings.hpp"
#include "rebalance/draw.hpp"
#include "rebalance/even.hpp"

namespace py = pybind11;

namespace {

template <class Value> using Given = py::array_t<Value, py::array::c_style>;
template <class Value> using Optional = std::optional<Given<Value>>;
using Caps = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;

template <class Value> const Value *pointer(const Optional<Value> &array, py::ssize_t n) {
  if (!array)
    return nullptr;
  if (array->ndim() != 1 || array->shape(0) != n)
    throw std::invalid_argument("every array must be one-dimensional and of one length");
  return array->data();
}

std::int64_t n_codes(const std::int32_t *code, std::int64_t n) {
  return code && n > 0 ? std::int64_t{*std::max_element(code, code + n)} + 1 : 1;
}

rebalance::Drawn drawn(const Given<std::int32_t> &group, const Optional<std::uint64_t> &identity,
                       const Optional<double> &quality, std::uint64_t seed) {
  const py::ssize_t n = group.ndim() == 1 ? group.shape(0) : -1;
  if (n < 0)
    throw std::invalid_argument("every array must be one-dimensional and of one length");
  return {group.data(), pointer(identity, n), pointer(quality, n), n, seed};
}

py::array_t<bool> draw(const Given<std::int32_t> &group, const Optional<std::uint64_t> &identity,
                       const Caps &cap, std::uint64_t seed, const Optional<double> &quality) {
  const rebalance::Drawn particles = drawn(group, identity, quality, seed);
  py::array_t<bool> keep(particles.n);
  const std::int64_t *caps = cap.data(), n_groups = cap.size();
  bool *out = keep.mutable_data();
  const py::gil_scoped_release release;
  rebalance::draw(particles, caps, n_groups, out);
  return keep;
}

py::array_t<bool> draw_evenly(const Given<std::int32_t> &group,
                              const Optional<std::uint64_t> &identity, const Caps &cap,
                              std::uint64_t seed, const Optional<std::int32_t> &average,
                              const Optional<std::int32_t> &micrograph, int n_parts) {
  const rebalance::Drawn particles = drawn(group, identity, std::nullopt, seed);
  rebalance::Sources sources{pointer(average, particles.n), pointer(micrograph, particles.n)};
  sources.n_averages = n_codes(sources.average, particles.n);
  sources.n_micrographs = n_codes(sources.micrograph, particles.n);
  py::array_t<bool> keep(particles.n);
  const std::int64_t *caps = cap.data(), n_groups = cap.size();
  bool *out = keep.mutable_data();
  const py::gil_scoped_release release;
  rebalance::draw_evenly(particles, sources, n_parts, caps, n_groups, out);
  return keep;
}

py::array_t<std::int64_t> count_groups(const Given<std::int32_t> &group, std::int64_t n_groups,
                                       const Optional<bool> &keep) {
  const auto counts =
      rebalance::count_groups(group.data(), group.size(), n_groups, pointer(keep, group.size()));
  return py::array_t<std::int64_t>(static_cast<py::ssize_t>(counts.size()), counts.data());
}

py::array_t<std::uint64_t> smallest_keys(const Given<std::int32_t> &group,
                                         const Optional<std::uint64_t> &identity,
                                         std::int64_t n_groups, std::uint64_t seed) {
  const auto keys = rebalance::smallest_keys(drawn(group, identity, std::nullopt, seed), n_groups);
  return py::array_t<std::uint64_t>(static_cast<py::ssize_t>(keys.size()), keys.data());
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
  module.def("draw", &draw,
             "(P,) bool: the particles that stay, by the largest quality and the smallest keys.",
             py::arg("group").noconvert(), py::arg("identity").noconvert(), py::kw_only(),
             py::arg("cap"), py::arg("seed"), py::arg("quality").noconvert() = py::none());
  module.def("draw_evenly", &draw_evenly,
             "(P,) bool: the particles that stay, spread over averages and micrographs.",
             py::arg("group").noconvert(), py::arg("identity").noconvert(), py::kw_only(),
             py::arg("cap"), py::arg("seed"), py::arg("average").noconvert() = py::none(),
             py::arg("micrograph").noconvert() = py::none(), py::arg("n_parts") = 1);
  module.def("count_groups", &count_groups, "(K,) int64 particles of each group, or those to keep.",
             py::arg("group").noconvert(), py::kw_only(), py::arg("n_groups"),
             py::arg("keep").noconvert() = py::none());
  module.def("smallest_keys", &smallest_keys, "(K,) uint64: the smallest key of each group.",
             py::arg("group").noconvert(), py::arg("identity").noconvert(), py::kw_only(),
             py::arg("n_groups"), py::arg("seed"));
  module.def("identities_of", &identities_of, "(P,) uint64 identities of a list of bytes.",
             py::arg("names"));
}
