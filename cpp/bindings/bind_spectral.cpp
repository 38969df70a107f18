#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cstring> // for strstr

#include "bindings.hpp"
#include "rebalance/spectral.hpp"

namespace py = pybind11;
using rebalance::SpectralEmbedding;

namespace {

// SciPy publishes its LAPACK for compiled code as capsules named by their C signature.
rebalance::Dsyevr scipy_dsyevr() {
  const py::object table = py::module_::import("scipy.linalg.cython_lapack").attr("__pyx_capi__");
  const py::capsule capsule = table["dsyevr"];
  if (std::strstr(capsule.name(), "int *") == nullptr)
    throw std::runtime_error("SciPy's LAPACK has integers of an unknown size");
  return reinterpret_cast<rebalance::Dsyevr>(capsule.get_pointer());
}

using Matrix = py::array_t<double, py::array::c_style>;

SpectralEmbedding make_embedding(const Matrix &affinity, std::int64_t n_vectors) {
  const auto n = static_cast<std::int64_t>(affinity.shape(0));
  if (affinity.ndim() != 2 || affinity.shape(1) != n || n_vectors < 1 || n_vectors > n)
    throw std::invalid_argument("affinity must have shape (N, N), 1 <= n_vectors <= N");
  const rebalance::Dsyevr dsyevr = scipy_dsyevr();
  const double *data = affinity.data();
  const py::gil_scoped_release release;
  return {data, n, n_vectors, dsyevr};
}

py::array_t<std::int32_t> labels(const SpectralEmbedding &embedding, std::int64_t k) {
  if (k < 1 || k > embedding.n_vectors())
    throw std::invalid_argument("k must be from 1 to the number of vectors");
  std::vector<std::int32_t> found;
  {
    const py::gil_scoped_release release;
    found = embedding.labels(k);
  }
  return py::array_t<std::int32_t>(static_cast<py::ssize_t>(found.size()), found.data());
}

py::array_t<double> silhouette(const SpectralEmbedding &embedding,
                               const std::vector<std::int32_t> &labels) {
  if (static_cast<std::int64_t>(labels.size()) != embedding.n())
    throw std::invalid_argument("labels must have one entry per image");
  for (const std::int32_t label : labels)
    if (label < 0 || label >= embedding.n())
      throw std::invalid_argument("labels must lie in [0, N)");
  const std::vector<double> found = embedding.silhouette(labels);
  return py::array_t<double>(static_cast<py::ssize_t>(found.size()), found.data());
}

} // namespace

void bind_spectral(py::module_ &module) {
  py::class_<SpectralEmbedding>(module, "SpectralEmbedding",
                                "Leading eigenvectors of the normalised affinity kernel.")
      .def(py::init(&make_embedding), py::arg("affinity").noconvert(), py::arg("n_vectors"))
      .def("labels", &labels, "(N,) int32 labels of a cut into k groups.", py::arg("k"))
      .def("silhouette", &silhouette, "(N,) silhouette of each image on the kernel.",
           py::arg("labels"));
}
