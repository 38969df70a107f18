// Angles between views, by votes of third images on their common lines.
#pragma once

#include <cstdint>

#include "rebalance/control.hpp"

namespace rebalance {

/// Common lines of R row images with A anchors, and of the anchors with each other; radians.
struct LineAngles {
  std::int64_t n_rows, n_anchors;
  const double *in_row;     ///< [R][A] angle in the row image of its line with the anchor
  const double *in_anchor;  ///< [R][A] angle of that line in the anchor
  const double *of_anchors; ///< [A][A] angle in anchor j of its line with anchor k
  const std::int32_t *skip; ///< [R] anchor that is the row image itself; -1: none
};

struct ViewAngles {
  double *angle; ///< [R][A] between viewing directions, radians, 0 to pi
  float *share;  ///< [R][A] of the anchors that vote within kAgree of it
};

/// Votes this near to the peak agree with it, radians.
constexpr double kAgree = 6.0 * 3.14159265358979323846 / 180;

/// With a, b, c the angles between the common lines of i, j and k, each in its own image,
/// cos(angle of views i, j) = (cos c - cos a cos b) / (sin a sin b) (Singer et al. 2010); every
/// anchor k votes, and the peak of the votes is taken.
void vote_on_angles(const LineAngles &lines, const ViewAngles &out, int threads, Control &control);

} // namespace rebalance
