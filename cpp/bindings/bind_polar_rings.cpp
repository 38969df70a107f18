#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <memory>

#include "bindings.hpp"
#include "rebalance/polar_rings.hpp"
#include "watched.hpp"

namespace py = pybind11;
using rebalance::PolarRings;

namespace {

using Floats = py::array_t<float, py::array::c_style>;

std::unique_ptr<PolarRings> make_rings(const Floats &images, const Floats &mask, const Floats &rim,
                                       const rebalance::RingGrid &grid,
                                       const std::vector<double> &weight, int threads,
                                       const py::object &progress) {
  if (images.ndim() != 3 || images.shape(1) != images.shape(2))
    throw std::invalid_argument("images must have shape (N, L, L)");
  for (const Floats *one : {&mask, &rim})
    if (one->ndim() != 2 || one->shape(0) != images.shape(1) || one->shape(1) != images.shape(1))
      throw std::invalid_argument("mask and rim must have shape (L, L)");
  const float *data = images.data();
  const auto n = static_cast<std::int64_t>(images.shape(0));
  const rebalance::MaskView view{mask.data(), rim.data(), static_cast<int>(images.shape(1))};
  std::unique_ptr<PolarRings> rings;
  run_watched(
      [&](rebalance::Control &control) {
        rings = std::make_unique<PolarRings>(data, n, view, grid, weight, threads, control);
      },
      progress);
  return rings;
}

py::array_t<float> samples(const PolarRings &rings) {
  const auto &grid = rings.grid();
  py::array_t<float> out({rings.n_images(), static_cast<std::int64_t>(grid.n_rings),
                          static_cast<std::int64_t>(grid.n_angles)});
  auto at = out.mutable_unchecked<3>();
  for (std::int64_t i = 0; i < rings.n_images(); ++i)
    for (int r = 0; r < grid.n_rings; ++r)
      for (int a = 0; a < grid.n_angles; ++a)
        at(rings.image_at(i), r, a) = rings.sample(i, r, a);
  return out;
}

py::array_t<std::int64_t> order(const PolarRings &rings) {
  py::array_t<std::int64_t> out(rings.n_images());
  auto at = out.mutable_unchecked<1>();
  for (std::int64_t slot = 0; slot < rings.n_images(); ++slot)
    at(slot) = rings.image_at(slot);
  return out;
}

// The samples as they lie in memory, which `self` owns.
py::array_t<float> units(const py::object &self) {
  const auto &rings = self.cast<const PolarRings &>();
  const auto &grid = rings.grid();
  py::array_t<float> view({rings.n_units(), static_cast<std::int64_t>(grid.n_rings),
                           static_cast<std::int64_t>(grid.n_angles),
                           static_cast<std::int64_t>(rebalance::kLanes)},
                          rings.unit(0), self);
  view.attr("flags").attr("writeable") = false;
  return view;
}

std::unique_ptr<PolarRings> from_units(const Floats &units, std::int64_t n_images, double low,
                                       double high, double mask_radius) {
  if (units.ndim() != 4 || units.shape(3) != rebalance::kLanes)
    throw std::invalid_argument("units must have shape (U, n_rings, n_angles, 16)");
  const rebalance::RingGrid grid{low, high, static_cast<int>(units.shape(1)),
                                 static_cast<int>(units.shape(2))};
  return std::make_unique<PolarRings>(units.data(), units.shape(0), n_images, grid, mask_radius);
}

} // namespace

void bind_polar_rings(py::module_ &module) {
  py::class_<PolarRings>(module, "PolarRings",
                         "Polar samples of the Fourier transform of N images, in lanes.")
      .def(py::init([](const Floats &images, const Floats &mask, const Floats &rim, double low,
                       double high, int n_rings, int n_angles, const std::vector<double> &weight,
                       int threads, const py::object &progress) {
             return make_rings(images, mask, rim, {low, high, n_rings, n_angles}, weight, threads,
                               progress);
           }),
           py::arg("images").noconvert(), py::kw_only(), py::arg("mask").noconvert(),
           py::arg("rim").noconvert(), py::arg("low"), py::arg("high"), py::arg("n_rings"),
           py::arg("n_angles"), py::arg("weight"), py::arg("threads"),
           py::arg("progress") = py::none())
      .def_static("from_units", &from_units, "A run of units of others, in the order of slots.",
                  py::arg("units").noconvert(), py::kw_only(), py::arg("n_images"), py::arg("low"),
                  py::arg("high"), py::arg("mask_radius"))
      .def("units", &units, "(U, n_rings, n_angles, 16) float32, read-only: 16 slots a unit.")
      .def("order", &order, "(N,) int64, the image in each slot; the last unit is full.")
      .def_property_readonly("mask_radius", &PolarRings::mask_radius, "px.")
      .def("power", &PolarRings::power, "Squared norm of every ring, of all images together.")
      .def("samples", &samples, "(N, n_rings, n_angles) float32, Re F + Im F, unit norm.");
}
