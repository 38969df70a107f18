// The hills of a pair's correlation that a coarse scan saw.
#pragma once

#include <cstdint>
#include <vector>

#include "rebalance/scan.hpp"

namespace rebalance {

/// Grid points that are higher than their neighbours in shift, of those at a like angle: each is
/// the foot of a hill that a climb can end on.
class Hills {
public:
  explicit Hills(const Scan &scan);

  /// The highest first, at most kMost of those no more than `below` lower than the highest.
  void find(const Scan::Found::Pair &pair, float below, std::vector<GridPoint> &hills) const;

  static constexpr int kMost = 6;

private:
  bool is_top(const GridPoint &point, const Scan::Found::Pair &pair) const;

  const Scan &scan_;
  std::vector<std::vector<int>> neighbours_; // of every shift
};

} // namespace rebalance
