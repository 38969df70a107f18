// The tree of superclasses: from one image each, step by step the two that are most alike join.
#pragma once

#include <cstdint>
#include <vector>

namespace rebalance {

struct Join {
  std::int32_t stays, goes; ///< lowest image of either group; `stays` is the lower
  double cost;              ///< -1 where the images had to be together
};

/// Joins groups of images until one is left, or until all that are left must stay apart. The groups
/// that join have the least cost d (p q / (p + q))^damping, d the mean of 1 - affinity over their
/// pairs, p and q their sizes; ties: the lowest images. damping 0 is average linkage; the higher it
/// is, the later do large groups join; with 1 it weighs sizes as Ward's method.
/// affinity: [n][n], symmetric. together[n]: images of one number from 0 join first, and those of
/// different numbers never; -1: free. Cutting the first n - k joins leaves k groups.
std::vector<Join> superclass_tree(const double *affinity, std::int64_t n,
                                  const std::vector<std::int32_t> &together, double damping);

} // namespace rebalance
