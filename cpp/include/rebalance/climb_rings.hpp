// Rings of images, sampled for the climb.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "rebalance/aligned.hpp"
#include "rebalance/control.hpp"
#include "rebalance/fft_plan.hpp"
#include "rebalance/kernels.hpp"
#include "rebalance/polar_rings.hpp"

namespace rebalance {

/// The numbers of samples on the rings. A ring that holds angular frequencies up to m has more than
/// 2 m samples, so that a sum over them is exact; all numbers divide that of the fine angles.
class ClimbGrid {
public:
  /// n_low: rings of the lower part of the band, which can be summed alone.
  ClimbGrid(const RingGrid &grid, double mask_radius, int n_low);
  ClimbGrid(const ClimbGrid &) = delete;
  ClimbGrid &operator=(const ClimbGrid &) = delete;

  const HillShape &shape() const { return shape_; }
  /// Of the lower part of the band.
  const HillShape &low_shape() const { return low_shape_; }
  int n_fine() const { return n_fine_; }
  const FftPlan &fine_plan() const { return fine_->plan(); }
  const Kernels &kernels() const { return kernels_; }

private:
  const Kernels &kernels_; // asked for once: every pair needs them
  HillShape shape_{}, low_shape_{};
  int n_fine_ = 0;
  std::unique_ptr<FftTables> fine_;
  std::vector<float> ring_radius_;
  std::vector<AlignedFloats> direction_;
};

/// Rings of images i, plain and reflected, image by image.
class MovedRings {
public:
  MovedRings(const PolarRings &rings, const ClimbGrid &grid, int threads, Control &control);
  const float *image(std::int64_t slot, bool mirror) const {
    return data_.data() + (2 * slot + mirror) * size_;
  }

private:
  std::int64_t size_ = 0;
  AlignedFloats data_;
};

/// Finely sampled rings of the images j of one unit.
class TurnedRings {
public:
  TurnedRings(const PolarRings &rings, std::int64_t unit, const ClimbGrid &grid);
  const float *lane(std::int64_t lane) const { return data_.data() + lane * size_; }

private:
  std::int64_t size_;
  AlignedFloats data_;
};

} // namespace rebalance
