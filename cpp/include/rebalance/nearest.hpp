// The nearest neighbours of every image, found by many threads.
#pragma once

#include <cstdint>
#include <vector>

#include "rebalance/pair_search.hpp"

namespace rebalance {

struct Neighbour {
  std::int32_t image;
  PairTransform transform; ///< lays `image` on the one whose neighbour it is
};

/// Keeps the `top` neighbours with the highest values, of equal ones those of lower index. Every
/// thread keeps its own; they are merged at the end. No two neighbours of an image rank the same,
/// so that the best of all, and their order, do not depend on who found them when.
class Nearest {
public:
  /// For offers from within a parallel_for of so many threads.
  Nearest(std::int64_t n_images, std::int64_t top, int threads);
  void offer(std::int64_t image, const Neighbour &neighbour);
  /// The best first, of all threads.
  std::vector<Neighbour> of(std::int64_t image) const;

private:
  std::size_t top_;
  std::vector<std::vector<std::vector<Neighbour>>> kept_; // [threads][n_images]
};

} // namespace rebalance
