// Common lines: the transforms of any two projections of a particle agree along a line.
#pragma once

#include <cstdint>
#include <vector>

#include "rebalance/aligned.hpp"
#include "rebalance/control.hpp"
#include "rebalance/line_kernels.hpp"

namespace rebalance {

/// Rays of images, kRays per image on a half circle.
struct Rays {
  std::int64_t n_images;
  int n_rings;
  const float *samples; ///< [n_images][kRays][n_rings][2] (re, im)
};

/// Shifts along a line: [n_shifts][n_rings][2] (cos, sin) factors of a ray.
struct LineShifts {
  int n_shifts;
  const float *phase;
};

/// Orientations of images: right-handed rows x axis, y axis and viewing direction.
struct Frames {
  std::int64_t n;
  const double *axes;        ///< [n][3][3]
  const std::int32_t *image; ///< [n] column of the tables; symmetry mates share one
};

/// How a row image votes for viewing directions, each at its best in-plane angle.
struct DirectionVotes {
  std::int64_t n_directions;
  const double *axes;        ///< [n_directions][3][3] frames not turned in plane
  std::int64_t n_asked;      ///< directions of a row that are looked at
  const std::int32_t *asked; ///< [rows][n_asked] which; null: all of them
  float *best;               ///< [rows][n_asked] score, standard deviations
  std::uint8_t *turn;        ///< [rows][n_asked] in-plane angle, cells
};

/// The common line of every row and column image.
struct Lines {
  double *in_row;    ///< [rows][columns] its angle in the row image, radians
  double *in_column; ///< [rows][columns] its angle in the column image
  float *vote;       ///< [rows][columns] the votes for it
};

/// Where lines are looked for: within `reach` cells of those that frames foretell.
struct Foretold {
  const double *rows;    ///< [rows][3][3]; null: everywhere
  const double *columns; ///< [columns][3][3]
  int reach;
};

/// Tables of how well each line of a row image agrees with each line of a column image. A table
/// holds votes: standard deviations above its mean, as bytes.
class LineTables {
public:
  LineTables(const Rays &rows, const Rays &columns, const LineShifts &shifts, int threads,
             Control &control);
  /// All pairs of one stack; all lines of an image agree with itself as by chance.
  LineTables(const Rays &images, const LineShifts &shifts, int threads, Control &control);

  std::int64_t n_rows() const { return n_rows_; }
  std::int64_t n_columns() const { return n_columns_; }
  /// [kHalfCells of the column image][kCells of the row image]
  const std::uint8_t *table(std::int64_t row, std::int64_t column) const {
    return votes_.data() + (row * n_columns_ + column) * kTableSize;
  }
  /// Score of the directions asked for of the row images named, given column images in known
  /// frames: by how many standard deviations the mean vote is above that of chance. Column images
  /// whose lines fall into one cell of the row image share one vote, and few such votes score less
  /// than many that are as good: else all rows would gather where the columns share one line.
  void vote(const std::vector<std::int32_t> &rows, const Frames &frames, const DirectionVotes &out,
            int threads, Control &control) const;
  void find_lines(const Foretold &foretold, const Lines &out, int threads, Control &control) const;

private:
  std::int64_t n_rows_, n_columns_;
  std::vector<std::uint8_t, AlignedAllocator<std::uint8_t>> votes_;
};

} // namespace rebalance
