// Spectral clustering of an affinity that is never far from 0.
#pragma once

#include <cstdint>
#include <vector>

namespace rebalance {

/// LAPACK's dsyevr: selected eigenvalues and eigenvectors of a real symmetric matrix.
using Dsyevr = void (*)(char *jobz, char *range, char *uplo, int *n, double *a, int *lda,
                        double *vl, double *vu, int *il, int *iu, double *abstol, int *m, double *w,
                        double *z, int *ldz, int *isuppz, double *work, int *lwork, int *iwork,
                        int *liwork, int *info);

/// The leading eigenvectors of the normalised kernel, from which every number of groups is cut.
///
/// With d_ij^2 = 2 (1 - a_ij), the kernel is exp(-d_ij^2 / (s_i s_j)), s_i a share of the median
/// of row i's distances: local scaling (Zelnik-Manor & Perona 2004). The kernel keeps its diagonal,
/// so that an image far from all others is a group of its own and not an accident of the noise.
class SpectralEmbedding {
public:
  /// affinity: [n][n], symmetric, in [0, 1]. n_vectors: 1 to n.
  /// Throws std::runtime_error when LAPACK fails.
  SpectralEmbedding(const double *affinity, std::int64_t n, std::int64_t n_vectors, Dsyevr dsyevr);

  std::int64_t n() const { return n_; }
  std::int64_t n_vectors() const { return n_vectors_; }
  /// Labels 0 .. k - 1 of a cut into exactly k groups, 1 <= k <= n_vectors.
  std::vector<std::int32_t> labels(std::int64_t k) const;
  /// Per image, how much closer it is to its own group than to the next, -1 to 1, on the
  /// distance 1 - kernel (Rousseeuw 1987), the kernel scaled by far images instead of the median; 0
  /// for an image alone in its group.
  std::vector<double> silhouette(const std::vector<std::int32_t> &labels) const;

private:
  std::int64_t n_, n_vectors_;
  std::vector<double> kernel_;  ///< [n][n], scaled by far images
  std::vector<double> vectors_; ///< [n_vectors][n], the largest eigenvalue first
};

} // namespace rebalance
