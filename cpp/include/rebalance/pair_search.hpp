// The search over in-plane angle, shift and mirror, for all pairs.
#pragma once

#include <cstdint>
#include <vector>

#include "rebalance/control.hpp"
#include "rebalance/polar_rings.hpp"

namespace rebalance {

struct Shift {
  double y, x; ///< px
};

struct PairSearch {
  std::vector<Shift> shifts; ///< the grid of shifts, in the order in which ties are settled
  double max_shift = 0.0;    ///< radius of the disc that the climb may not leave, px
  double max_step = 0.0;     ///< longest step of the climb in y or x, px; 0: no climb
  bool mirror = true;
  int threads = 1;
};

/// Where the results go, each [n][n]; entry [i, j] is the transform that lays j on i: mirror
/// (axis 1), turn counter-clockwise, shift. The diagonal is 1 with the identity.
struct PairResult {
  float *value;
  float *angle_deg;
  float *shift; ///< [n][n][2], (y, x), px
  bool *mirror;
};

/// Fills `result`. Each pair i < j is computed once, by one thread, in the same order of
/// operations for any number of threads; [j, i] is its inverse with the same value.
void search_pairs(const PolarRings &rings, const PairSearch &search, const PairResult &result,
                  Control &control);

} // namespace rebalance
