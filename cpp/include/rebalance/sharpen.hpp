// An affinity in which every image is joined by its nearest neighbours.
#pragma once

#include <cstdint>
#include <vector>

namespace rebalance {

struct Sharpening {
  std::int64_t neighbours = 3; ///< most images that join one
  double reach = 2.0;          ///< in medians of the distance to the second nearest image
};

/// Affinity of weighted sums: image i becomes i + sum_j w_ij j over its nearest neighbours, and the
/// correlation of two sums follows from the affinity alone, (W A W^T)_ij over the square root of
/// (W A W^T)_ii (W A W^T)_jj, clipped to [0, 1]. w_ij = exp(-(1 - a_ij) / t), t being `reach` times
/// the median over all images of the distance 1 - a to the second nearest: one length for all, so
/// that an image far from all others stays what it is.
/// affinity: [n][n], symmetric, in [0, 1]. Returns [n][n], symmetric, 1 on the diagonal.
std::vector<double> sharpen(const double *affinity, std::int64_t n, const Sharpening &how);

} // namespace rebalance
