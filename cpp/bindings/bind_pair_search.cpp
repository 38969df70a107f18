#include <pybind11/numpy.h>

#include "bindings.hpp"
#include "rebalance/pair_search.hpp"
#include "watched.hpp"

namespace py = pybind11;

namespace {

using Shifts = py::array_t<double, py::array::c_style>;

rebalance::PairSearch make_search(const Shifts &shifts, bool mirror, double max_shift, double max_step,
                                  int threads) {
  if (shifts.ndim() != 2 || shifts.shape(1) != 2 || shifts.shape(0) < 1)
    throw std::invalid_argument("shifts must have shape (T, 2), T >= 1");
  rebalance::PairSearch search;
  const auto at = shifts.unchecked<2>();
  for (py::ssize_t t = 0; t < shifts.shape(0); ++t)
    search.shifts.push_back({at(t, 0), at(t, 1)});
  search.max_shift = max_shift;
  search.max_step = max_step;
  search.mirror = mirror;
  search.threads = threads;
  return search;
}

py::tuple search_pairs(const rebalance::PolarRings &rings, const Shifts &shifts, bool mirror,
                       double max_shift, double max_step, int threads, const py::object &progress) {
  const rebalance::PairSearch search = make_search(shifts, mirror, max_shift, max_step, threads);
  const std::int64_t n = rings.n_images();
  py::array_t<float> value({n, n}), angle({n, n}), shift({n, n, std::int64_t{2}});
  py::array_t<bool> mirrored({n, n});
  const rebalance::PairResult result{value.mutable_data(), angle.mutable_data(),
                                     shift.mutable_data(), mirrored.mutable_data()};
  run_watched([&](rebalance::Control &c) { rebalance::search_pairs(rings, search, result, c); },
              progress);
  return py::make_tuple(value, angle, shift, mirrored);
}

} // namespace

void bind_pair_search(py::module_ &module) {
  module.def("search_pairs", &search_pairs,
             "Affinity, angle (deg), shift (y, x; px) and mirror of all pairs.", py::arg("rings"),
             py::arg("shifts"), py::kw_only(), py::arg("mirror"), py::arg("max_shift"), py::arg("max_step"),
             py::arg("threads"), py::arg("progress") = py::none());
}
