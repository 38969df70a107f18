#include "rebalance/common_lines.hpp"

#include <algorithm> // for copy, lower_bound, max, max_element, min, sort, unique
#include <cmath>     // for abs, sqrt

#include "rebalance/parallel.hpp"

namespace rebalance {

namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr int kWide = 2 * kCells; // a row of a table twice, so that it can be read from any cell

// Votes are bytes: standard deviations above the mean of a table.
constexpr float kVotesPerDeviation = 24.0f;
constexpr float kVotesAtMean = 48.0f;

constexpr double kNear = 0.17364817766693033; // sine of 10 degrees: nearer views share any line
constexpr double kLeastVoters = 0.1;          // share of the frames that must vote

/// Rays of one image after each shift, as LinePair::shifted.
AlignedFloats shifted(const float *rays, int n_rings, const LineShifts &shifts) {
  AlignedFloats out(static_cast<std::size_t>(2L * kRays * shifts.n_shifts * n_rings));
  float *at = out.data();
  for (int ray = 0; ray < kRays; ++ray)
    for (int s = 0; s < shifts.n_shifts; ++s)
      for (int k = 0; k < n_rings; ++k, at += 2) {
        const float *f = rays + 2L * (ray * n_rings + k);
        const float *p = shifts.phase + 2L * (s * n_rings + k);
        at[0] = f[0] * p[0] - f[1] * p[1];
        at[1] = f[0] * p[1] + f[1] * p[0];
      }
  return out;
}

/// Rays of every image side by side, as LinePair::rays.
AlignedFloats side_by_side(const Rays &images) {
  const std::int64_t size = 2L * kRays * images.n_rings;
  AlignedFloats out(static_cast<std::size_t>(images.n_images * size));
  float *at = out.data();
  for (std::int64_t i = 0; i < images.n_images; ++i)
    for (int k = 0; k < images.n_rings; ++k)
      for (int part = 0; part < 2; ++part)
        for (int ray = 0; ray < kRays; ++ray)
          *at++ = images.samples[i * size + 2L * (ray * images.n_rings + k) + part];
  return out;
}

void as_votes(const float *cells, std::uint8_t *votes) {
  float sum = 0, squares = 0;
  for (int c = 0; c < kTableSize; ++c)
    sum += cells[c];
  const float mean = sum / kTableSize;
  for (int c = 0; c < kTableSize; ++c)
    squares += (cells[c] - mean) * (cells[c] - mean);
  const float deviation = std::sqrt(squares / kTableSize);
  const float scale = deviation > 0 ? kVotesPerDeviation / deviation : 0.0f;
  for (int c = 0; c < kTableSize; ++c) {
    const float vote = kVotesAtMean + 0.5f + (cells[c] - mean) * scale;
    votes[c] = static_cast<std::uint8_t>(std::min(std::max(vote, 0.0f), 255.0f));
  }
}

/// Table [row][column] of one pair from that of [column][row].
void transpose(const std::uint8_t *from, std::uint8_t *to) {
  for (int r = 0; r < kHalfCells; ++r)
    for (int c = 0; c < kHalfCells; ++c) {
      to[r * kCells + c] = from[c * kCells + r];
      // The opposite ray of one image agrees with the opposite ray of the other.
      to[r * kCells + c + kHalfCells] = from[c * kCells + r + kHalfCells];
    }
}

/// Fills tables of one column image with row images 0 .. n_rows - 1; entry(i) is where.
template <class Entry>
void fill_column(const Rays &columns, std::int64_t column, const LineShifts &shifts,
                 const AlignedFloats &rows, std::int64_t n_rows, const Entry &entry) {
  const std::int64_t size = 2L * kRays * columns.n_rings;
  const auto moved = shifted(columns.samples + column * size, columns.n_rings, shifts);
  alignas(64) float cells[kTableSize];
  LinePair pair{columns.n_rings, shifts.n_shifts, moved.data(), nullptr, cells};
  for (std::int64_t i = 0; i < n_rows; ++i) {
    pair.rays = rows.data() + i * size;
    line_kernels().line_table(pair);
    as_votes(cells, entry(i));
  }
}

/// Angle of a vector in the plane to 2e-8 radians, 0 to 2 pi (Abramowitz & Stegun 4.4.49): a search
/// asks for millions.
double angle_of(double y, double x) {
  const double wide = std::max(std::abs(x), std::abs(y)), slim = std::min(std::abs(x), std::abs(y));
  const double r = slim / std::max(wide, 1e-300), q = r * r;
  double angle = 0;
  for (const double c : {0.0028662257, -0.0161657367, 0.0429096138, -0.0752896400, 0.1065626393,
                         -0.1420889944, 0.1999355085, -0.3333314528, 1.0})
    angle = angle * q + c;
  angle *= r;
  angle = std::abs(y) > std::abs(x) ? kPi / 2 - angle : angle;
  angle = x < 0 ? kPi - angle : angle;
  return y < 0 ? 2 * kPi - angle : angle;
}
/// Cell of an angle: a cell holds two rays, the first a quarter of it from its edge.
int cell_of(double angle) {
  return static_cast<int>(angle * (kCells / (2 * kPi)) + 0.25) % kCells;
}
double middle_of(double cell) {
  return (cell + 0.25) * (2 * kPi / kCells);
}

struct Vector {
  double x, y, z;
};
Vector cross(const double *a, const double *b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
double dot(const Vector &v, const double *a) {
  return v.x * a[0] + v.y * a[1] + v.z * a[2];
}

/// Cells of the common line of two frames; that of the column image on the half circle.
struct LineCells {
  int row, column; ///< row -1: the views are too near
};
LineCells line_of(const double *row, const double *column) {
  const Vector line = cross(row + 6, column + 6);
  if (dot(line, &line.x) < kNear * kNear)
    return {-1, 0};
  const int in_row = cell_of(angle_of(dot(line, row + 3), dot(line, row)));
  const int in_column = cell_of(angle_of(dot(line, column + 3), dot(line, column)));
  if (in_column < kHalfCells)
    return {in_row, in_column};
  return {(in_row + kHalfCells) % kCells, in_column - kHalfCells};
}

/// Where the votes on one direction begin, those on one line of the row image together.
struct Ballot {
  std::vector<std::int32_t> offset;
  std::vector<std::int32_t> end; ///< of each line
};

Ballot ballot_of(const double *direction, const Frames &frames) {
  std::vector<LineCells> cells(static_cast<std::size_t>(frames.n));
  std::int32_t n_votes[kHalfCells] = {};
  for (std::int64_t f = 0; f < frames.n; ++f) {
    LineCells &here = cells[static_cast<std::size_t>(f)];
    here = line_of(direction, frames.axes + 9 * f);
    if (here.row >= 0)
      ++n_votes[here.row % kHalfCells];
  }
  Ballot ballot;
  std::int32_t next[kHalfCells], n_voters = 0;
  for (int line = 0; line < kHalfCells; ++line) {
    next[line] = n_voters;
    n_voters += n_votes[line];
    if (n_votes[line] > 0)
      ballot.end.push_back(n_voters);
  }
  if (n_voters < kLeastVoters * static_cast<double>(frames.n))
    return {};
  ballot.offset.resize(static_cast<std::size_t>(n_voters));
  for (std::int64_t f = 0; f < frames.n; ++f) {
    const LineCells &here = cells[static_cast<std::size_t>(f)];
    if (here.row < 0)
      continue;
    const std::int32_t column = frames.image[f] * kHalfCells + here.column;
    const int line = here.row % kHalfCells;
    ballot.offset[static_cast<std::size_t>(next[line]++)] = column * kWide + here.row;
  }
  return ballot;
}

/// By how many standard deviations the mean of votes, given as a sum, is above that of chance.
float score_of(float sum, int n_votes) {
  if (n_votes == 0)
    return 0;
  const auto n = static_cast<float>(n_votes);
  return (sum - kVotesAtMean * n) / (kVotesPerDeviation * std::sqrt(n));
}

/// The tables of one image with some columns, each of their rows twice.
const std::uint8_t *widened(const std::uint8_t *tables, const std::vector<std::int32_t> &columns) {
  thread_local std::vector<std::uint8_t> wide; // a new one each time costs as much as to fill it
  wide.resize(std::max(wide.size(), columns.size() * kHalfCells * kWide));
  std::uint8_t *to = wide.data();
  for (const std::int32_t column : columns) {
    const std::uint8_t *from = tables + std::int64_t{column} * kTableSize;
    for (int line = 0; line < kHalfCells; ++line, from += kCells) {
      to = std::copy(from, from + kCells, to);
      to = std::copy(from, from + kCells, to);
    }
  }
  return wide.data();
}

/// Column images that frames name, each once; the frames then name them by their place among these.
std::vector<std::int32_t> named_once(const Frames &frames, std::vector<std::int32_t> &place) {
  std::vector<std::int32_t> columns(frames.image, frames.image + frames.n);
  std::sort(columns.begin(), columns.end());
  columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
  for (std::int64_t f = 0; f < frames.n; ++f)
    place.push_back(static_cast<std::int32_t>(
        std::lower_bound(columns.begin(), columns.end(), frames.image[f]) - columns.begin()));
  return columns;
}

/// Vertex of the parabola through three values, the middle one the largest: -0.5 to 0.5.
double vertex(double before, double at, double after) {
  const double bend = before - 2 * at + after;
  return bend < 0 ? std::max(-0.5, std::min(0.5, 0.5 * (before - after) / bend)) : 0.0;
}

/// A table with ends that meet: beyond the half circle of the column, the row is turned by half.
std::uint8_t at(const std::uint8_t *table, int column, int row) {
  if (column < 0 || column >= kHalfCells) {
    column += column < 0 ? kHalfCells : -kHalfCells;
    row += kHalfCells;
  }
  return table[column * kCells + (row + 2 * kCells) % kCells];
}

LineCells best_near(const std::uint8_t *table, LineCells foretold, int reach) {
  LineCells best = foretold;
  int most = -1;
  for (int c = foretold.column - reach; c <= foretold.column + reach; ++c)
    for (int r = foretold.row - reach; r <= foretold.row + reach; ++r)
      if (at(table, c, r) > most) {
        most = at(table, c, r);
        best = {r, c};
      }
  return best;
}

LineCells best_of_all(const std::uint8_t *table) {
  const auto where = static_cast<int>(std::max_element(table, table + kTableSize) - table);
  return {where % kCells, where / kCells};
}

} // namespace

LineTables::LineTables(const Rays &rows, const Rays &columns, const LineShifts &shifts, int threads,
                       Control &control)
    : n_rows_(rows.n_images), n_columns_(columns.n_images),
      votes_(static_cast<std::size_t>(rows.n_images * columns.n_images * kTableSize)) {
  const AlignedFloats lanes = side_by_side(rows);
  control.total = n_columns_;
  parallel_for(n_columns_, threads, control, [&](std::int64_t j) {
    fill_column(columns, j, shifts, lanes, n_rows_,
                [&](std::int64_t i) { return votes_.data() + (i * n_columns_ + j) * kTableSize; });
    ++control.done;
  });
}

LineTables::LineTables(const Rays &images, const LineShifts &shifts, int threads, Control &control)
    : n_rows_(images.n_images), n_columns_(images.n_images),
      votes_(static_cast<std::size_t>(images.n_images * images.n_images * kTableSize)) {
  const AlignedFloats lanes = side_by_side(images);
  const auto entry = [&](std::int64_t i, std::int64_t j) {
    return votes_.data() + (i * n_columns_ + j) * kTableSize;
  };
  control.total = n_columns_;
  parallel_for(n_columns_, threads, control, [&](std::int64_t n) {
    const std::int64_t j = n_columns_ - 1 - n; // the longest first
    fill_column(images, j, shifts, lanes, j, [&](std::int64_t i) { return entry(i, j); });
    for (std::int64_t i = 0; i < j; ++i)
      transpose(entry(i, j), entry(j, i));
    std::fill(entry(j, j), entry(j, j) + kTableSize, static_cast<std::uint8_t>(kVotesAtMean));
    ++control.done;
  });
}

void LineTables::vote(const std::vector<std::int32_t> &rows, const Frames &frames,
                      const DirectionVotes &out, int threads, Control &control) const {
  std::vector<std::int32_t> place;
  const auto columns = named_once(frames, place);
  const Frames placed{frames.n, frames.axes, place.data()};
  std::vector<Ballot> ballots(static_cast<std::size_t>(out.n_directions));
  parallel_for(out.n_directions, threads, control, [&](std::int64_t d) {
    ballots[static_cast<std::size_t>(d)] = ballot_of(out.axes + 9 * d, placed);
  });
  parallel_for(static_cast<std::int64_t>(rows.size()), threads, control, [&](std::int64_t n) {
    const auto *wide = widened(table(rows[static_cast<std::size_t>(n)], 0), columns);
    for (std::int64_t a = n * out.n_asked; a < (n + 1) * out.n_asked; ++a) {
      const std::int64_t d = out.asked == nullptr ? a - n * out.n_asked : out.asked[a];
      const Ballot &b = ballots[static_cast<std::size_t>(d)];
      const int n_lines = static_cast<int>(b.end.size());
      int turn = 0;
      float most = 0;
      line_kernels().sum_votes({n_lines, b.end.data(), wide, b.offset.data(), &turn, &most});
      out.best[a] = score_of(most, n_lines);
      out.turn[a] = static_cast<std::uint8_t>(turn);
    }
  });
}

void LineTables::find_lines(const Foretold &foretold, const Lines &out, int threads,
                            Control &control) const {
  parallel_for(n_rows_, threads, control, [&](std::int64_t i) {
    for (std::int64_t j = 0; j < n_columns_; ++j) {
      const std::uint8_t *t = table(i, j);
      LineCells best{-1, 0};
      if (foretold.rows != nullptr)
        best = line_of(foretold.rows + 9 * i, foretold.columns + 9 * j);
      best = best.row < 0 ? best_of_all(t) : best_near(t, best, foretold.reach);
      const double most = at(t, best.column, best.row);
      const double row = best.row + vertex(at(t, best.column, best.row - 1), most,
                                           at(t, best.column, best.row + 1));
      const double column = best.column + vertex(at(t, best.column - 1, best.row), most,
                                                 at(t, best.column + 1, best.row));
      out.in_row[i * n_columns_ + j] = middle_of(row);
      out.in_column[i * n_columns_ + j] = middle_of(column);
      out.vote[i * n_columns_ + j] = static_cast<float>(most);
    }
  });
}

} // namespace rebalance
