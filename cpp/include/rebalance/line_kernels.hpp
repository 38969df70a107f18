// The inner loops of the common-line search, compiled once per instruction set.
//
// Read by kernel sources, which include no C++ library (see kernels.hpp).
#pragma once

#include <stdint.h>

namespace rebalance {

/// Rays of a half circle, the first on the x axis (axis 1), going counter-clockwise.
constexpr int kRays = 64;
/// Cells of a table of common lines: two rays wide, so that one is about what a line is known to.
constexpr int kCells = kRays; ///< on the full circle of one image
constexpr int kHalfCells = kCells / 2;
/// Bytes of a table: [kHalfCells of image j][kCells of image i].
constexpr int kTableSize = kHalfCells * kCells;

/// Two images: how well each ray of j agrees with each ray of i, at the best shift along the line.
struct LinePair {
  int n_rings, n_shifts;
  const float *shifted; ///< [kRays][n_shifts][n_rings][2] rays of j (re, im) after each shift
  const float *rays;    ///< [n_rings][2][kRays] rays of i
  float *cells;         ///< kTableSize: the best of the four ray pairs of each cell
};

/// Votes of many tables on how one image is turned about a viewing direction: for each line the
/// mean of its tables, all lines alike.
struct LineVotes {
  int n_lines;
  const int32_t *end; ///< [n_lines] of the tables of a line, which follow each other
  const uint8_t *tables;
  const int32_t *offset; ///< where kCells votes of a table begin, any alignment
  int *turn;             ///< the first cell with the largest sum of means
  float *most;           ///< that sum
};

/// The votes of third images k on the angle between the views of i and j, see line_angles.hpp.
/// Pairs of pointers are to the cosines and sines of angles of lines.
struct ThirdImages {
  int64_t n;
  float ij[2], ji[2];                         ///< of the line of i and j, in i and in j
  const float *ik[2], *ki[2], *jk[2], *kj[2]; ///< [n] of the lines with each k
  float *vote;                                ///< [n] angle, radians; -1: k has no vote
};

struct LineKernels {
  void (*line_table)(const LinePair &);
  void (*sum_votes)(const LineVotes &);
  void (*ask_third)(const ThirdImages &);
};

/// Those of the instruction set that kernels() chose.
const LineKernels &line_kernels();

} // namespace rebalance
