#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <array>    // for array
#include <optional> // for optional
#include <tuple>    // for tuple, get

#include "bindings.hpp"
#include "rebalance/pair_search.hpp"
#include "watched.hpp"

namespace py = pybind11;
using rebalance::PairSearch;
using rebalance::PolarRings;

namespace {

using Shifts = py::array_t<double, py::array::c_style>;
using Floats = py::array_t<float, py::array::c_style>;
using Bools = py::array_t<bool, py::array::c_style>;
using Indices = py::array_t<std::int32_t, py::array::c_style>;
using PairArrays = std::tuple<Floats, Floats, Floats, Bools>; // values, angle, shift, mirror

PairSearch make_search(const Shifts &shifts, bool mirror, double max_shift, double max_step,
                       int threads, int n_rings, int n_angles,
                       const std::vector<int> &first_rings) {
  if (shifts.ndim() != 2 || shifts.shape(1) != 2 || shifts.shape(0) < 1)
    throw std::invalid_argument("shifts must have shape (T, 2), T >= 1");
  PairSearch search;
  const auto at = shifts.unchecked<2>();
  for (py::ssize_t t = 0; t < shifts.shape(0); ++t)
    search.shifts.push_back({at(t, 0), at(t, 1)});
  search.max_shift = max_shift;
  search.max_step = max_step;
  search.mirror = mirror;
  search.threads = threads;
  search.n_rings = n_rings;
  search.n_angles = n_angles;
  search.first_rings = first_rings;
  return search;
}

// The memory of an array, after a look at its shape: rows, columns and, if above 1, depth.
template <class T>
T *filled(py::array_t<T, py::array::c_style> &array, const std::array<std::int64_t, 3> &shape) {
  const int n_axes = shape[2] > 1 ? 3 : 2;
  bool fits = array.ndim() == n_axes;
  for (int axis = 0; fits && axis < n_axes; ++axis)
    fits = array.shape(axis) == shape[static_cast<std::size_t>(axis)];
  if (!fits)
    throw std::invalid_argument("the arrays to fill have another shape than the result");
  return array.mutable_data(); // refuses one that is read-only
}

rebalance::PairResult filled(PairArrays &out, std::int64_t rows, std::int64_t columns) {
  return {
      filled(std::get<0>(out), {rows, columns, 1}), filled(std::get<1>(out), {rows, columns, 1}),
      filled(std::get<2>(out), {rows, columns, 2}), filled(std::get<3>(out), {rows, columns, 1})};
}

void search_pairs(const PolarRings &rings, const PairSearch &search, PairArrays out,
                  const py::object &progress) {
  const auto result = filled(out, rings.n_images(), rings.n_images());
  run_watched([&](rebalance::Control &c) { rebalance::search_pairs(rings, search, result, c); },
              progress);
}

void search_between(const PolarRings &rows, const PolarRings &lanes, const PairSearch &search,
                    PairArrays out, const py::object &progress, std::optional<PairArrays> inverse) {
  const auto result = filled(out, rows.n_images(), lanes.n_images());
  rebalance::PairResult back{};
  if (inverse)
    back = filled(*inverse, lanes.n_images(), rows.n_images());
  run_watched(
      [&](rebalance::Control &c) {
        rebalance::search_between(rows, lanes, search, result, inverse ? &back : nullptr, c);
      },
      progress);
}

std::vector<int> find_first_rings(const PolarRings &rings, const PairSearch &search) {
  std::vector<int> first;
  run_watched([&](rebalance::Control &c) { first = rebalance::find_first_rings(rings, search, c); },
              py::none());
  return first;
}

void search_nearest(const PolarRings &rings, const PairSearch &search, Indices neighbour,
                    PairArrays out, const py::object &progress) {
  const std::int64_t n = rings.n_images(), top = neighbour.ndim() == 2 ? neighbour.shape(1) : 0;
  if (top < 1 || top >= n)
    throw std::invalid_argument("neighbour must have shape (N, T), 1 <= T < N");
  const rebalance::NearestResult result{top, filled(neighbour, {n, top, 1}), filled(out, n, top)};
  run_watched([&](rebalance::Control &c) { rebalance::search_nearest(rings, search, result, c); },
              progress);
}

} // namespace

void bind_pair_search(py::module_ &module) {
  py::class_<PairSearch>(module, "PairSearch", "How pairs are searched.")
      .def(py::init(&make_search), py::arg("shifts"), py::kw_only(), py::arg("mirror"),
           py::arg("max_shift"), py::arg("max_step"), py::arg("threads"), py::arg("n_rings") = 0,
           py::arg("n_angles") = 0, py::arg("first_rings") = std::vector<int>());
  module.def("search_pairs", &search_pairs,
             "Fills `out`: affinity, angle (deg), shift (y, x; px) and mirror of all pairs.",
             py::arg("rings"), py::arg("search"), py::arg("out").noconvert(),
             py::arg("progress") = py::none());
  module.def("search_between", &search_between,
             "As search_pairs, for all images of one stack with all of another.", py::arg("rows"),
             py::arg("lanes"), py::arg("search"), py::arg("out").noconvert(),
             py::arg("progress") = py::none(), py::arg("inverse").noconvert() = py::none());
  module.def("find_first_rings", &find_first_rings,
             "The products that a search of the whole stack leaves out, for searches of parts.",
             py::arg("rings"), py::arg("search"));
  module.def("search_nearest", &search_nearest,
             "As search_pairs, for the nearest neighbours of every image.", py::arg("rings"),
             py::arg("search"), py::arg("neighbour").noconvert(), py::arg("out").noconvert(),
             py::arg("progress") = py::none());
}
