// The scan of a grid of shifts and angles: for units of 16 images j, all angles at once.
#pragma once

#include <cstdint>
#include <vector>

#include "rebalance/aligned.hpp"
#include "rebalance/control.hpp"
#include "rebalance/kernels.hpp"
#include "rebalance/polar_rings.hpp"

namespace rebalance {

struct Shift {
  double y, x; ///< px
};

/// A point of the grid: the shift moves j first, or, with `mirror`, j is then reflected about the x
/// axis; then it is turned.
struct GridPoint {
  int shift; ///< which of the grid
  int angle; ///< of the grid's angles
  bool mirror;
  float value;
};

/// Compares images i of `rows` with images j of `lanes`, sampled on one grid.
class Scan {
public:
  /// first_rings: as `first_rings()` of the scan of a whole stack, to scan parts of it with the
  /// same products; empty: found for `rows`.
  Scan(const PolarRings &rows, const PolarRings &lanes, const std::vector<Shift> &shifts,
       bool mirror, const std::vector<int> &first_rings, int threads, Control &control);
  Scan(const Scan &) = delete;
  Scan &operator=(const Scan &) = delete;

  int n_shifts() const { return static_cast<int>(phases_.size()); }
  int n_angles() const { return shape_.n_angles; }
  bool mirror() const { return mirror_; }
  const std::vector<Shift> &shifts() const { return shifts_; }
  /// Of every angular frequency, the first ring that products do not leave out.
  const std::vector<int> &first_rings() const { return first_ring_; }
  /// The angle of the grid that a code of PairBest stands for, found at this shift.
  int angle(int shift, int code) const {
    return lanes_.fft().output_at()[static_cast<std::size_t>(code - shift * shape_.n_angles)];
  }
  /// Images i come in blocks of this many.
  int block() const { return kernels_.block; }

  /// The best of a unit of images j with some blocks of images i: of all shifts, or, with
  /// `each_shift`, of every one.
  class Found {
  public:
    /// [i - first i][lane] of all shifts; of equal values the one at the shorter shift.
    GridPoint best(std::int64_t row, std::int64_t lane) const;
    /// What was kept of one image i at one shift, for 16 images j.
    const PairBest::Row &at(int shift, std::int64_t row) const {
      const std::int64_t block = row / scan_->block();
      return best_[static_cast<std::size_t>(shift * n_blocks_ + block)].row[row % scan_->block()];
    }

  private:
    friend class Scan;
    const Scan *scan_;
    std::int64_t n_blocks_;
    std::vector<PairBest> best_; // [shift or 1][block]
  };
  Found run(std::int64_t unit, std::int64_t first_block, std::int64_t n_blocks,
            bool each_shift) const;

private:
  const float *block_at(std::int64_t b) const { return data_.data() + b * block_size_; }
  const float *image(std::int64_t i) const {
    return block_at(i / kernels_.block) + i % kernels_.block;
  }
  void fill_rows(const PolarRings &rows, int threads, Control &control);
  void find_first_rings(std::int64_t n_images);
  std::int64_t blocks_at_once() const;

  const Kernels &kernels_;
  const PolarRings &lanes_;
  Control &control_;
  bool mirror_;
  std::vector<Shift> shifts_;
  std::vector<std::vector<float>> phases_; // of every shift
  std::vector<int> first_ring_;
  RingShape shape_;
  std::int64_t block_size_;
  AlignedFloats data_; // angular coefficients of the images i, in blocks
};

} // namespace rebalance
