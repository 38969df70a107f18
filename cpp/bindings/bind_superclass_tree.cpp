#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm> // for copy

#include "bindings.hpp"
#include "rebalance/sharpen.hpp"
#include "rebalance/superclass_tree.hpp"

namespace py = pybind11;

namespace {

using Matrix = py::array_t<double, py::array::c_style>;

std::int64_t n_images(const Matrix &affinity) {
  if (affinity.ndim() != 2 || affinity.shape(0) != affinity.shape(1))
    throw std::invalid_argument("affinity must have shape (N, N)");
  return static_cast<std::int64_t>(affinity.shape(0));
}

Matrix sharpen(const Matrix &affinity, std::int64_t neighbours, double reach) {
  const std::int64_t n = n_images(affinity);
  const double *data = affinity.data();
  if (neighbours < 0 || !(reach > 0.0))
    throw std::invalid_argument("neighbours must be from 0, reach above 0");
  std::vector<double> values;
  {
    const py::gil_scoped_release release;
    values = rebalance::sharpen(data, n, {neighbours, reach});
  }
  Matrix out({n, n});
  std::copy(values.begin(), values.end(), out.mutable_data());
  return out;
}

py::tuple superclass_tree(const Matrix &affinity, const std::vector<std::int32_t> &together,
                          double damping) {
  const std::int64_t n = n_images(affinity);
  if (static_cast<std::int64_t>(together.size()) != n)
    throw std::invalid_argument("together must have one entry per image");
  const double *data = affinity.data();
  std::vector<rebalance::Join> found;
  {
    const py::gil_scoped_release release;
    found = rebalance::superclass_tree(data, n, together, damping);
  }
  const auto count = static_cast<py::ssize_t>(found.size());
  py::array_t<std::int32_t> groups({count, py::ssize_t{2}});
  py::array_t<double> cost(count);
  for (py::ssize_t s = 0; s < count; ++s) {
    const rebalance::Join &join = found[static_cast<std::size_t>(s)];
    groups.mutable_at(s, 0) = join.stays;
    groups.mutable_at(s, 1) = join.goes;
    cost.mutable_at(s) = join.cost;
  }
  return py::make_tuple(groups, cost);
}

} // namespace

void bind_superclass_tree(py::module_ &module) {
  module.def("sharpen", &sharpen,
             "(N, N) affinity in which every image is joined by its nearest neighbours.",
             py::arg("affinity").noconvert(), py::kw_only(), py::arg("neighbours"),
             py::arg("reach"));
  module.def("superclass_tree", &superclass_tree,
             "(J, 2) int32 groups that join, known by their lowest image, and (J,) cost.",
             py::arg("affinity").noconvert(), py::arg("together"), py::kw_only(),
             py::arg("damping"));
}
