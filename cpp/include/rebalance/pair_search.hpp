// The search over in-plane angle, shift and mirror: all pairs of a stack, or of two.
#pragma once

#include <cstdint>
#include <vector>

#include "rebalance/control.hpp"
#include "rebalance/polar_rings.hpp"
#include "rebalance/scan.hpp"

namespace rebalance {

struct PairSearch {
  std::vector<Shift> shifts; ///< that are scanned, in the order in which ties are settled
  int n_rings = 0;           ///< scanned, of the lower part of the band; 0: all
  int n_angles = 0;          ///< scanned; 0: those of the rings
  double max_shift = 0.0;    ///< radius of the disc that the climb may not leave, px
  double max_step = 0.0;     ///< longest step of the climb in y or x, px; 0: no climb
  bool mirror = true;
  int threads = 1;
  std::vector<int> first_rings; ///< of find_first_rings, where a part of a stack is searched
};

/// The affinity of a pair and how one image is laid on the other: mirror (axis 1), turn
/// counter-clockwise, shift.
struct PairTransform {
  float value;
  float angle_deg;
  float shift_y, shift_x; ///< px
  bool mirror;
};

/// Where the results go, each [rows][columns]; entry [i, j] lays image j on image i.
struct PairResult {
  float *value;
  float *angle_deg;
  float *shift; ///< [rows][columns][2], (y, x), px
  bool *mirror;
};

/// Fills `result`, [n][n]; its diagonal is 1 with the identity. Each pair i < j is computed once,
/// by one thread, in the same order of operations for any number of threads; [j, i] is its inverse
/// with the same value.
void search_pairs(const PolarRings &rings, const PairSearch &search, const PairResult &result,
                  Control &control);

/// Fills `result`, [images of rows][images of lanes]: every image of one stack with every image of
/// the other, and `inverse`, [images of lanes][images of rows], if it is not null. Throws
/// std::invalid_argument if the two are not sampled on one grid.
void search_between(const PolarRings &rows, const PolarRings &lanes, const PairSearch &search,
                    const PairResult &result, const PairResult *inverse, Control &control);

/// The products that the search of a whole stack leaves out, for searches of its parts: with these
/// they give the same bits.
std::vector<int> find_first_rings(const PolarRings &rings, const PairSearch &search,
                                  Control &control);

/// Where the nearest neighbours go: [n][top], entry [i, t] lays image neighbour[i, t] on image i.
struct NearestResult {
  std::int64_t top; ///< at most n - 1
  std::int32_t *neighbour;
  PairResult pairs;
};

/// As search_pairs, but keeps only the `top` neighbours of every image with the highest values,
/// falling; of equal ones the lower index.
void search_nearest(const PolarRings &rings, const PairSearch &search, const NearestResult &result,
                    Control &control);

} // namespace rebalance
