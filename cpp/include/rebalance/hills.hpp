// The hills of a pair's correlation that a coarse scan saw.
#pragma once

#include <cstdint>
#include <vector>

#include "rebalance/kernels.hpp"
#include "rebalance/scan.hpp"

namespace rebalance {

/// Grid points of one pair from which a climb starts, the highest first.
struct Feet {
  static constexpr int kMost = 12;
  int n = 0;
  GridPoint foot[kMost];

  /// Keeps the highest; of equal ones those that came first.
  void add(const GridPoint &point);
};

/// Grid points that are higher than their neighbours in shift, of those at a like angle: each is
/// the foot of a hill that a climb can end on.
class Hills {
public:
  explicit Hills(const Scan &scan);

  /// Of one image i with 16 images j: the feet no more than `below` lower than the highest.
  void find(const Scan::Found &found, std::int64_t row, const float *below, Feet *feet) const;

private:
  const Kernels &kernels_;
  const Scan &scan_;
  std::vector<std::vector<int>> neighbours_; // of every shift, rising
};

} // namespace rebalance
