// Rings of the Fourier transform of images, in lanes.
#pragma once

#include <cstdint>
#include <vector>

#include "rebalance/aligned.hpp"
#include "rebalance/control.hpp"
#include "rebalance/fft_plan.hpp"
#include "rebalance/parallel.hpp"

namespace rebalance {

/// Where the transform is sampled: n_rings rings in the middle of equal parts of the band, each
/// with n_angles samples, the first on the x axis (axis 1), going counter-clockwise (to axis 0).
struct RingGrid {
  double low, high; ///< band limits, cycles/px
  int n_rings;
  int n_angles; ///< even, a product of 2, 3 and 5

  double spacing() const { return (high - low) / n_rings; }
  double radius(int ring) const { return low + (ring + 0.5) * spacing(); }
  bool operator==(const RingGrid &other) const {
    return low == other.low && high == other.high && n_rings == other.n_rings &&
           n_angles == other.n_angles;
  }
};

/// What is compared of an image: mask * (pixel - level), the level being the mean under `rim`.
struct MaskView {
  const float *mask; ///< [box][box]
  const float *rim;  ///< [box][box], not negative, with a sum above 0
  int box;           ///< its centre is pixel box / 2
};

/// Polar samples of N images. A real image has F(k, phi + pi) = conj F(k, phi), so one real
/// number per sample holds all: s = Re F + Im F (Hartley's transform); the opposite sample is
/// Re F - Im F. Every image is scaled to unit norm; one without signal is all zero.
class PolarRings {
public:
  /// images: [n_images][box][box]. One without contrast counts as all zero.
  /// weight: [n_rings] factor on the squared samples of each ring.
  /// Throws std::invalid_argument for a grid that cannot be.
  PolarRings(const float *images, std::int64_t n_images, const MaskView &mask, const RingGrid &grid,
             const std::vector<double> &weight, int threads, Control &control);

  /// A run of whole units of others, from their `samples`; its images stand in the order of their
  /// slots. `samples`: [units][n_rings][n_angles][kLanes], of which the first unit may be partly
  /// empty. Throws std::invalid_argument if the images do not fill them.
  PolarRings(const float *samples, std::int64_t n_units, std::int64_t n_images,
             const RingGrid &grid, double mask_radius);

  /// The innermost rings of others, with another number of angles.
  PolarRings(const PolarRings &whole, int n_rings, int n_angles, int threads, Control &control);
  /// Of all images together, the squared norm of every ring.
  std::vector<double> power() const;
  /// Of every slot: the norm of the rings from `ring` on.
  std::vector<float> norms_above(int ring) const;

  std::int64_t n_images() const { return n_images_; }
  std::int64_t n_units() const { return (n_images_ + kLanes - 1) / kLanes; }
  const RingGrid &grid() const { return grid_; }
  /// Of the farthest pixel that the mask lets through, along either axis, px.
  double mask_radius() const { return mask_radius_; }
  const FftTables &fft() const { return fft_; }
  /// With every ring at every angular frequency.
  RingShape shape() const;
  /// Images stand in slots, in an order that their pixels decide: of two images the one in the
  /// later slot is moved onto the other, whatever their order in the stack.
  std::int64_t image_at(std::int64_t slot) const {
    return image_at_[static_cast<std::size_t>(slot)];
  }
  /// The slot in the first lane of a unit. Units end with the last slot, so that the first unit,
  /// which has the fewest pairs before it, is the one that is not full: there this is negative,
  /// and lanes before slot 0 are all zero.
  std::int64_t first_slot(std::int64_t unit) const {
    return n_images_ - (n_units() - unit) * kLanes;
  }
  /// [n_rings][n_angles][kLanes] samples of slots first_slot(unit) and following.
  const float *unit(std::int64_t unit) const;
  float sample(std::int64_t slot, int ring, int angle) const;

private:
  std::int64_t unit_size() const;

  std::int64_t n_images_;
  RingGrid grid_;
  double mask_radius_;
  FftTables fft_;
  std::vector<std::int64_t> image_at_;
  std::vector<int> every_ring_; // first ring of interest at each angular frequency: 0
  AlignedFloats samples_;
};

} // namespace rebalance
