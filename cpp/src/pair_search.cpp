#include "rebalance/pair_search.hpp"

#include <algorithm>  // for clamp, max, min
#include <cmath>      // for cos, sin, sqrt
#include <functional> // for function
#include <optional>   // for optional
#include <stdexcept>  // for invalid_argument

#include "rebalance/climb.hpp"
#include "rebalance/hill_search.hpp"
#include "rebalance/nearest.hpp"
#include "rebalance/parallel.hpp"

namespace rebalance {

namespace {

constexpr double kPi = 3.14159265358979323846;

std::size_t size(std::int64_t n) {
  return static_cast<std::size_t>(n);
}

/// What is compared: images i of `rows` with images j of `lanes`, sampled on one grid.
struct Stacks {
  const PolarRings &rows, &lanes;
  bool only_before; ///< both are one stack, of which only pairs i < j are compared

  /// Images i that are compared with a unit of images j, counted from the first.
  std::int64_t n_rows(std::int64_t unit) const {
    return only_before ? lanes.first_slot(unit) + kLanes - 1 : rows.n_images();
  }
};

/// Takes a pair found: i, j, how j is laid on i, and how i is laid on j. Called by many threads,
/// once for each pair.
using TakePair =
    std::function<void(std::int64_t, std::int64_t, const PairTransform &, const PairTransform &)>;

double wrapped_deg(double radians) {
  const double turns = radians / (2.0 * kPi);
  const double deg = 360.0 * (turns - std::floor(turns + 0.5));
  return deg >= 180.0 ? -180.0 : deg;
}

float clipped(double value) {
  return static_cast<float>(std::clamp(value, 0.0, 1.0));
}

// From "reflect y" to "reflect x", which is to reflect y and turn by half a turn.
PairTransform j_on_i(const Placement &p) {
  const double angle = p.angle + (p.mirror ? kPi : 0.0);
  return {clipped(p.value), static_cast<float>(wrapped_deg(angle)), static_cast<float>(p.y),
          static_cast<float>(p.x), p.mirror};
}

PairTransform i_on_j(const Placement &p) {
  const double angle = p.mirror ? p.angle + kPi : -p.angle;
  const double c = std::cos(p.angle), s = std::sin(p.angle), y = c * p.y - s * p.x;
  return {clipped(p.value), static_cast<float>(wrapped_deg(angle)),
          static_cast<float>(p.mirror ? y : -y), static_cast<float>(-c * p.x - s * p.y), p.mirror};
}

/// The whole search of one unit of images j against all images i that it is compared with.
class UnitSearch {
public:
  UnitSearch(const Stacks &stacks, const PairSearch &search, Control &control);

  void run(std::int64_t unit, const TakePair &take) const;
  const std::vector<int> &first_rings() const { return scan_->first_rings(); }
  /// How far a unit moves Control::done.
  std::int64_t n_steps(std::int64_t unit) const { return n_blocks(unit) * scan_->n_shifts(); }

private:
  std::int64_t n_blocks(std::int64_t unit) const {
    return (stacks_.n_rows(unit) + scan_->block() - 1) / scan_->block();
  }
  struct Tile { // blocks of images i
    std::int64_t first, n;
  };
  void take_tile(std::int64_t unit, const Tile &tile, const TurnedRings *turned,
                 const TakePair &take) const;
  struct Rows { // images i
    std::int64_t first, end;
  };
  Rows rows_before(std::int64_t j, const Rows &rows) const {
    return {rows.first, stacks_.only_before ? std::min(rows.end, j) : rows.end};
  }
  void take_best(const Scan::Found &found, std::int64_t unit, const Rows &rows,
                 const TakePair &take) const;
  void climb(const Scan::Found &found, std::int64_t first_found, std::int64_t unit,
             const Rows &rows, const TurnedRings &turned, const TakePair &take) const;

  const Stacks &stacks_;
  Control &control_;
  std::optional<PolarRings> low_rows_, low_lanes_; // the lower part of the band
  std::optional<Scan> scan_;
  std::optional<Climb> climb_;
  std::optional<HillSearch> hills_;
};

UnitSearch::UnitSearch(const Stacks &stacks, const PairSearch &search, Control &control)
    : stacks_(stacks), control_(control) {
  const RingGrid &grid = stacks.lanes.grid();
  const int n_rings = search.n_rings > 0 ? search.n_rings : grid.n_rings;
  const int n_angles = search.n_angles > 0 ? search.n_angles : grid.n_angles;
  const PolarRings *rows = &stacks.rows, *lanes = &stacks.lanes;
  if (n_rings < grid.n_rings || n_angles != grid.n_angles) {
    lanes = &low_lanes_.emplace(stacks.lanes, n_rings, n_angles, search.threads, control);
    rows = &stacks.rows == &stacks.lanes
               ? lanes
               : &low_rows_.emplace(stacks.rows, n_rings, n_angles, search.threads, control);
  }
  scan_.emplace(*rows, *lanes, search.shifts, search.mirror, search.first_rings, search.threads,
                control);
  if (search.max_step <= 0.0)
    return;
  const ClimbLimits limits{2.0 * kPi / n_angles, search.max_step, search.max_shift, grid.high};
  climb_.emplace(stacks.rows, stacks.lanes, n_rings, limits, search.threads, control);
  hills_.emplace(*scan_, *climb_, stacks.rows.norms_above(n_rings),
                 stacks.lanes.norms_above(n_rings));
}

// The best points of the grid; the first row found is that of the first image i.
void UnitSearch::take_best(const Scan::Found &found, std::int64_t unit, const Rows &rows,
                           const TakePair &take) const {
  const std::int64_t first_j = stacks_.lanes.first_slot(unit);
  for (std::int64_t j = std::max<std::int64_t>(first_j, 0); j < first_j + kLanes; ++j)
    for (std::int64_t i = rows.first; i < rows_before(j, rows).end; ++i) {
      const Placement p = placement_of(found.best(i - rows.first, j - first_j), *scan_);
      take(i, j, j_on_i(p), i_on_j(p));
    }
}

// From the feet of hills to the top, of some images i; the first row found is that of image
// `first_found`.
void UnitSearch::climb(const Scan::Found &found, std::int64_t first_found, std::int64_t unit,
                       const Rows &rows, const TurnedRings &turned, const TakePair &take) const {
  const std::int64_t first_j = stacks_.lanes.first_slot(unit);
  std::vector<Feet> feet(size((rows.end - rows.first) * kLanes));
  for (std::int64_t i = rows.first; i < rows.end; ++i)
    hills_->find(found, i - first_found, i, first_j, &feet[size((i - rows.first) * kLanes)]);
  for (std::int64_t j = std::max<std::int64_t>(first_j, 0); j < first_j + kLanes; ++j)
    for (std::int64_t i = rows.first; i < rows_before(j, rows).end && !control_.stop; ++i) {
      const Feet &of_pair = feet[size((i - rows.first) * kLanes + j - first_j)];
      const Placement p = hills_->highest(of_pair, i, j, turned.lane(j - first_j));
      take(i, j, j_on_i(p), i_on_j(p));
    }
}

// Some images i are climbed at a time, so that their rings stay in the cache while every image j is
// compared with them.
void UnitSearch::take_tile(std::int64_t unit, const Tile &tile, const TurnedRings *turned,
                           const TakePair &take) const {
  constexpr std::int64_t kRows = 32;
  const Scan::Found found = scan_->run(unit, tile.first, tile.n, hills_.has_value());
  const std::int64_t first = tile.first * scan_->block();
  const std::int64_t end = std::min(first + tile.n * scan_->block(), stacks_.n_rows(unit));
  if (turned == nullptr)
    return take_best(found, unit, {first, end}, take);
  for (std::int64_t start = first; start < end && !control_.stop; start += kRows)
    climb(found, first, unit, {start, std::min(start + kRows, end)}, *turned, take);
}

void UnitSearch::run(std::int64_t unit, const TakePair &take) const {
  constexpr std::int64_t kMostKept = 6 * 1024; // results of blocks, 3 kB each
  const std::int64_t kept_per_block = hills_ ? scan_->n_shifts() : 1;
  const std::int64_t per_tile = std::max<std::int64_t>(kMostKept / kept_per_block, 4);
  std::optional<TurnedRings> turned;
  if (climb_)
    turned.emplace(stacks_.lanes, unit, climb_->grid());
  for (std::int64_t first = 0; first < n_blocks(unit) && !control_.stop; first += per_tile)
    take_tile(unit, {first, std::min(per_tile, n_blocks(unit) - first)},
              turned ? &*turned : nullptr, take);
}

void search_stacks(const Stacks &stacks, const PairSearch &search, const TakePair &take,
                   Control &control) {
  const UnitSearch unit_search(stacks, search, control);
  const std::int64_t n_units = stacks.lanes.n_units();
  for (std::int64_t unit = 0; unit < n_units; ++unit)
    control.total += unit_search.n_steps(unit);
  // The last unit has the most pairs: longest first keeps the threads even.
  parallel_for(n_units, search.threads, control,
               [&](std::int64_t u) { unit_search.run(n_units - 1 - u, take); });
}

void write(const PairResult &out, std::int64_t at, const PairTransform &t) {
  out.value[at] = t.value;
  out.angle_deg[at] = t.angle_deg;
  out.shift[2 * at] = t.shift_y;
  out.shift[2 * at + 1] = t.shift_x;
  out.mirror[at] = t.mirror;
}

constexpr PairTransform kSame{1.0f, 0.0f, 0.0f, 0.0f, false};

} // namespace

void search_pairs(const PolarRings &rings, const PairSearch &search, const PairResult &result,
                  Control &control) {
  const std::int64_t n = rings.n_images();
  for (std::int64_t i = 0; i < n; ++i)
    write(result, i * n + i, kSame);
  const auto take = [&](std::int64_t i, std::int64_t j, const PairTransform &on_i,
                        const PairTransform &on_j) {
    write(result, rings.image_at(i) * n + rings.image_at(j), on_i);
    write(result, rings.image_at(j) * n + rings.image_at(i), on_j);
  };
  search_stacks({rings, rings, true}, search, take, control);
}

void search_between(const PolarRings &rows, const PolarRings &lanes, const PairSearch &search,
                    const PairResult &result, const PairResult *inverse, Control &control) {
  if (!(rows.grid() == lanes.grid()))
    throw std::invalid_argument("both stacks must be sampled on one grid");
  const auto take = [&](std::int64_t i, std::int64_t j, const PairTransform &on_i,
                        const PairTransform &on_j) {
    const std::int64_t row = rows.image_at(i), column = lanes.image_at(j);
    write(result, row * lanes.n_images() + column, on_i);
    if (inverse != nullptr)
      write(*inverse, column * rows.n_images() + row, on_j);
  };
  search_stacks({rows, lanes, false}, search, take, control);
}

std::vector<int> find_first_rings(const PolarRings &rings, const PairSearch &search,
                                  Control &control) {
  const Stacks stacks{rings, rings, true};
  PairSearch scan_only = search;
  scan_only.max_step = 0.0;
  return UnitSearch(stacks, scan_only, control).first_rings();
}

void search_nearest(const PolarRings &rings, const PairSearch &search, const NearestResult &result,
                    Control &control) {
  Nearest nearest(rings.n_images(), result.top, search.threads);
  const auto take = [&](std::int64_t i, std::int64_t j, const PairTransform &on_i,
                        const PairTransform &on_j) {
    const std::int64_t image_i = rings.image_at(i), image_j = rings.image_at(j);
    nearest.offer(image_i, {static_cast<std::int32_t>(image_j), on_i});
    nearest.offer(image_j, {static_cast<std::int32_t>(image_i), on_j});
  };
  search_stacks({rings, rings, true}, search, take, control);
  for (std::int64_t i = 0, at = 0; i < rings.n_images(); ++i)
    for (const Neighbour &neighbour : nearest.of(i)) {
      result.neighbour[at] = neighbour.image;
      write(result.pairs, at++, neighbour.transform);
    }
}

} // namespace rebalance
