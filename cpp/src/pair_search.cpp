#include "rebalance/pair_search.hpp"

#include <algorithm>  // for min, max, clamp
#include <cmath>      // for cos, sin, sqrt
#include <complex>    // for polar
#include <functional> // for function
#include <optional>   // for optional
#include <stdexcept>  // for invalid_argument

#include "rebalance/climb.hpp"
#include "rebalance/nearest.hpp"

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

/// Angular coefficients of all images, in blocks for the pair kernel.
class Rows {
public:
  explicit Rows(const PolarRings &rings, int threads, Control &control);
  const float *block(std::int64_t b) const { return data_.data() + b * block_size_; }
  const float *image(std::int64_t i) const { return block(i / width_) + i % width_; }
  int width() const { return width_; }

private:
  int width_;
  std::int64_t n_blocks_, block_size_;
  AlignedFloats data_;
};

// cos and sin of 2 pi k . t for one shift: [n_rings][n_angles / 2][2]. Rings are evenly spaced, so
// that each phase is the one of the ring before, turned by a constant.
std::vector<float> shift_phase(const RingGrid &grid, const Shift &shift) {
  const int half = grid.n_angles / 2;
  std::vector<float> table(size(2L * grid.n_rings * half));
  for (int a = 0; a < half; ++a) {
    const double phi = 2.0 * kPi * a / grid.n_angles;
    const double turns = shift.x * std::cos(phi) + shift.y * std::sin(phi);
    std::complex<double> phase = std::polar(1.0, 2.0 * kPi * grid.radius(0) * turns);
    const std::complex<double> step = std::polar(1.0, 2.0 * kPi * grid.spacing() * turns);
    for (int ring = 0; ring < grid.n_rings; ++ring, phase *= step) {
      table[size(2L * (ring * half + a))] = static_cast<float>(phase.real());
      table[size(2L * (ring * half + a) + 1)] = static_cast<float>(phase.imag());
    }
  }
  return table;
}

std::int64_t lane_floats(const RingShape &s) {
  return static_cast<std::int64_t>(s.n_freq) * s.n_rings * 2 * kLanes;
}

Rows::Rows(const PolarRings &rings, int threads, Control &control) : width_(kernels().block) {
  const Kernels &k = kernels();
  const RingShape shape = rings.shape();
  const std::int64_t per_image = static_cast<std::int64_t>(shape.n_freq) * shape.n_rings * 2;
  n_blocks_ = (rings.n_images() + width_ - 1) / width_;
  block_size_ = per_image * width_;
  data_.assign(size(n_blocks_ * block_size_), 0.0f);
  const std::vector<float> phase = shift_phase(rings.grid(), {0.0, 0.0});
  parallel_for(rings.n_units(), threads, control, [&](std::int64_t unit) {
    AlignedFloats work(size(2L * k.width * shape.n_angles)), lanes(size(lane_floats(shape)));
    k.shift_rings(shape, rings.unit(unit), phase.data(), work.data(), lanes.data());
    const std::int64_t first = rings.first_slot(unit);
    for (std::int64_t i = std::max<std::int64_t>(first, 0); i < first + kLanes; ++i) {
      float *out = data_.data() + (i / width_) * block_size_ + i % width_;
      const std::int64_t lane = i - first, part = lane / k.width;
      const float *in = lanes.data() + part * per_image * k.width + lane % k.width;
      for (std::int64_t p = 0; p < per_image; ++p)
        out[p * width_] = in[p * k.width];
    }
  });
}

// The share of an image's squared norm that products may leave out: by Cauchy-Schwarz no
// correlation changes by more than its square root, and in fact by far less, as the other image has
// as little there.
constexpr double kNegligible = 1e-10;

// Per angular frequency the first ring that matters: a ring of radius k holds no more than
// frequencies up to 2 pi k R, R the radius of the mask.
std::vector<int> first_rings(const Rows &rows, const RingShape &shape, std::int64_t n_images) {
  std::vector<int> first(size(shape.n_freq), 0);
  const int width = rows.width();
  for (int m = 0; m < shape.n_freq; ++m) {
    double left_out = 0.0;
    int &ring = first[size(m)];
    for (; ring < shape.n_rings; ++ring) {
      float most = 0.0f;
      for (std::int64_t i = 0; i < n_images; ++i) {
        const float *at = rows.image(i) + (std::int64_t{m} * shape.n_rings + ring) * 2 * width;
        most = std::max(most, at[0] * at[0] + at[width] * at[width]);
      }
      left_out += 2.0 * most;
      if (left_out > kNegligible / shape.n_freq)
        break;
    }
  }
  return first;
}

RingShape with_first_ring(const PolarRings &rings, const std::vector<int> &first) {
  RingShape shape = rings.shape();
  shape.first_ring = first.data();
  return shape;
}

/// The whole search of one unit of images j against all images i that it is compared with.
class UnitSearch {
public:
  UnitSearch(const Stacks &stacks, const Rows &rows, const PairSearch &search,
             const std::vector<std::vector<float>> &phases, Control &control)
      : stacks_(stacks), rings_(stacks.lanes), rows_(rows), search_(search), phases_(phases),
        control_(control), first_ring_(first_rings(rows, rings_.shape(), stacks.rows.n_images())),
        shape_(with_first_ring(rings_, first_ring_)) {
    if (search.max_step > 0.0) {
      climb_grid_.emplace(rings_.grid(), std::max(rings_.mask_radius(), stacks.rows.mask_radius()));
      moved_.emplace(stacks.rows, *climb_grid_, search.threads, control);
    }
  }

  void run(std::int64_t unit, const TakePair &take) const;
  /// How far a unit moves Control::done.
  std::int64_t n_steps(std::int64_t unit) const {
    return n_blocks(unit) * static_cast<std::int64_t>(phases_.size());
  }

private:
  std::int64_t n_blocks(std::int64_t unit) const {
    return (stacks_.n_rows(unit) + rows_.width() - 1) / rows_.width();
  }
  std::vector<PairBest> scan(std::int64_t unit) const;
  Placement decode(const PairBest &best, std::int64_t row, std::int64_t lane) const;
  void climb(std::int64_t unit, std::vector<Placement> &found) const;

  const Stacks &stacks_;
  const PolarRings &rings_; // of the images j
  const Rows &rows_;
  const PairSearch &search_;
  const std::vector<std::vector<float>> &phases_;
  Control &control_;
  std::vector<int> first_ring_;
  RingShape shape_;
  std::optional<ClimbGrid> climb_grid_; // only if there is a climb
  std::optional<MovedRings> moved_;
};

// Blocks of images i for which the coefficients of the images j are read once: several, where these
// are too large to stay in a core's cache beside all else (64 rings of 256 angles: 1.1 us per pair
// one by one, 0.9 us four at once); one, where they do stay (24 of 160: 4 % faster).
std::int64_t blocks_at_once(const RingShape &shape) {
  constexpr std::int64_t cached = 512 * 1024; // bytes
  return lane_floats(shape) * static_cast<std::int64_t>(sizeof(float)) > cached ? 4 : 1;
}

std::vector<PairBest> UnitSearch::scan(std::int64_t unit) const {
  const Kernels &k = kernels();
  PairBest none;
  std::fill(&none.value[0][0], &none.value[0][0] + kMaxBlock * kLanes, -2.0f);
  std::fill(&none.code[0][0], &none.code[0][0] + kMaxBlock * kLanes, 0);
  std::vector<PairBest> best(size(n_blocks(unit)), none);
  AlignedFloats lanes(size(lane_floats(shape_)));
  const std::int64_t at_once = blocks_at_once(shape_);
  AlignedFloats work(size(pair_stride(shape_.n_angles, k.width) * k.block * at_once));
  for (std::size_t t = 0; t < phases_.size() && !control_.stop; ++t) {
    k.shift_rings(shape_, rings_.unit(unit), phases_[t].data(), work.data(), lanes.data());
    const auto first_code = static_cast<std::int32_t>(t) * 2 * shape_.n_angles;
    for (std::int64_t b = 0; b < n_blocks(unit) && !control_.stop; b += at_once) {
      const auto n = static_cast<int>(std::min(at_once, n_blocks(unit) - b));
      k.pairs({&shape_, n, rows_.block(b), lanes.data(), search_.mirror, first_code, work.data(),
               &best[size(b)]});
    }
    control_.done += n_blocks(unit);
  }
  return best;
}

// The search shifts j first, then reflects and turns it; a placement shifts it last.
Placement UnitSearch::decode(const PairBest &best, std::int64_t row, std::int64_t lane) const {
  const int code = best.code[row][lane], per_shift = 2 * shape_.n_angles;
  const Shift &shift = search_.shifts[size(code / per_shift)];
  const int place = code % per_shift / 2;
  Placement p;
  p.angle = 2.0 * kPi * rings_.fft().output_at()[size(place)] / shape_.n_angles;
  p.mirror = code % 2 != 0;
  const double c = std::cos(p.angle), s = std::sin(p.angle), y = p.mirror ? -shift.y : shift.y;
  p.y = s * shift.x + c * y;
  p.x = c * shift.x - s * y;
  p.value = best.value[row][lane];
  return p;
}

// found: [images i][kLanes]. Some images i at a time, so that their rings stay in the cache while
// every image j is compared with them.
void UnitSearch::climb(std::int64_t unit, std::vector<Placement> &found) const {
  constexpr std::int64_t kRows = 32;
  const RingGrid &grid = rings_.grid();
  const ClimbLimits limits{2.0 * kPi / grid.n_angles, search_.max_step, search_.max_shift,
                           grid.high};
  const TurnedRings turned(rings_, unit, *climb_grid_);
  const std::int64_t first_slot = rings_.first_slot(unit), n_rows = stacks_.n_rows(unit);
  for (std::int64_t first = 0; first < n_rows; first += kRows)
    for (std::int64_t lane = std::max<std::int64_t>(-first_slot, 0); lane < kLanes; ++lane) {
      const std::int64_t before = stacks_.only_before ? first_slot + lane : n_rows;
      const std::int64_t end = std::min({first + kRows, n_rows, before});
      for (std::int64_t i = first; i < end && !control_.stop; ++i) {
        Placement &p = found[size(i * kLanes + lane)];
        p = climbed(p, *climb_grid_, limits, *moved_, i, turned.lane(lane));
      }
    }
}

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

void UnitSearch::run(std::int64_t unit, const TakePair &take) const {
  const std::vector<PairBest> best = scan(unit);
  const std::int64_t n_rows = stacks_.n_rows(unit), width = rows_.width();
  std::vector<Placement> found;
  for (std::int64_t i = 0; i < n_rows; ++i)
    for (std::int64_t lane = 0; lane < kLanes; ++lane)
      found.push_back(decode(best[size(i / width)], i % width, lane));
  if (climb_grid_ && !control_.stop)
    climb(unit, found);
  const std::int64_t first = rings_.first_slot(unit), end = first + kLanes;
  for (std::int64_t i = 0; i < n_rows && !control_.stop; ++i)
    for (std::int64_t j = std::max(first, stacks_.only_before ? i + 1 : 0); j < end; ++j) {
      const Placement &p = found[size(i * kLanes + j - first)];
      take(i, j, j_on_i(p), i_on_j(p));
    }
}

void search_stacks(const Stacks &stacks, const PairSearch &search, const TakePair &take,
                   Control &control) {
  std::vector<std::vector<float>> phases;
  for (const Shift &shift : search.shifts)
    phases.push_back(shift_phase(stacks.lanes.grid(), shift));
  const Rows rows(stacks.rows, search.threads, control);
  const UnitSearch unit_search(stacks, rows, search, phases, control);
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
                    const PairResult &result, Control &control) {
  if (!(rows.grid() == lanes.grid()))
    throw std::invalid_argument("both stacks must be sampled on one grid");
  const auto take = [&](std::int64_t i, std::int64_t j, const PairTransform &on_i,
                        const PairTransform &) {
    write(result, rows.image_at(i) * lanes.n_images() + lanes.image_at(j), on_i);
  };
  search_stacks({rows, lanes, false}, search, take, control);
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
