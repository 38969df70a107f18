// The climb from a grid point to the maximum of the correlation in angle and shift.
#pragma once

#include <cstdint>

#include "rebalance/climb_rings.hpp"
#include "rebalance/control.hpp"
#include "rebalance/polar_rings.hpp"

namespace rebalance {

/// How image j is laid on image i: reflected about the x axis where `mirror`, turned
/// counter-clockwise by `angle` (radians), then shifted (px).
struct Placement {
  double angle = 0.0, y = 0.0, x = 0.0;
  bool mirror = false;
  double value = 0.0;
};

struct ClimbLimits {
  double max_angle; ///< longest step, radians
  double max_step;  ///< longest step in y or x, px
  double max_shift; ///< radius of the disc that may not be left, px
  double high;      ///< band limit, cycles/px
};

/// Angles as arcs, px, so that steps in angle and in shift compare.
struct ClimbScale : ClimbLimits {
  double arm;      ///< radius of the arcs
  double fine_arc; ///< from one fine angle to the next
  double max_arc;  ///< longest step
};

/// Second derivatives of the correlation by (arc, y, x).
struct Curvature {
  double aa, ay, ax, yy, yx, xx;
};

struct Top {
  Placement at;
  Curvature curvature; ///< near it
};

/// Newton's method in angle and shift together, of images i against images j.
class Climb {
public:
  Climb(const PolarRings &rows, const PolarRings &lanes, int n_low, const ClimbLimits &limits,
        int threads, Control &control);

  const ClimbGrid &grid() const { return grid_; }
  static constexpr Placement kNowhere{0.0, 1e9, 1e9, false, -2.0};
  /// To the top. The best point seen is kept, so that refining never lowers an affinity. Gives up
  /// where it promises to stay below `rival`, or to end there.
  Top to_top(const Placement &start, std::int64_t i, const float *turned_j,
             const Placement &rival = kNowhere) const;
  static constexpr int kBeside = 2;
  /// Points to climb from on either side of a top, where a flat ridge may have another: kBeside of
  /// them, or none.
  int beside(const Top &top, Placement *start) const;
  /// Whether two placements are so alike that they lead to one top.
  bool alike(const Placement &a, const Placement &b) const;
  /// One step in the lower part of the band, and the correlation there that it leads to.
  Placement low_step(const Placement &start, std::int64_t i, const float *turned_j) const;

private:
  ClimbGrid grid_;
  MovedRings moved_;
  ClimbScale limits_{};
  double mask_radius_;
  double fine_angle_; ///< radians
};

} // namespace rebalance
