#include "rebalance/climb.hpp"

#include <algorithm> // for max, min
#include <cmath>     // for cos, sin, sqrt
#include <memory>    // for unique_ptr

#include "rebalance/parallel.hpp"
#include "rebalance/resampled.hpp"

namespace rebalance {

namespace {

constexpr double kPi = 3.14159265358979323846;

std::size_t size(std::int64_t n) {
  return static_cast<std::size_t>(n);
}

// Samples come in vectors of any width for the half circle.
constexpr int kSampleUnit = 2 * kLanes;
// Fine angles per angle of the grid, at least.
constexpr int kFineness = 3;

bool is_smooth(int n) {
  for (const int prime : {2, 3, 5})
    while (n % prime == 0)
      n /= prime;
  return n == 1;
}

// A ring of radius k (cycles/px) holds angular frequencies up to 2 pi k R, and a little more.
int samples_needed(double k, double mask_radius, int n_angles) {
  const double highest = 2.0 * kPi * k * mask_radius;
  const double needed = 2.0 * (highest + 2.0 * std::cbrt(highest) + 2.0);
  return needed < n_angles ? static_cast<int>(needed) + 1 : n_angles;
}

// The smallest number of samples from `needed` that divides n_fine.
int dividing(int n_fine, int needed) {
  int n = (needed + kSampleUnit - 1) / kSampleUnit * kSampleUnit;
  while (n_fine % n != 0)
    n += kSampleUnit;
  return n;
}

// The number of fine angles with which the rings need the fewest samples.
int best_fine(int n_angles, const std::vector<int> &needed) {
  const int least = (kFineness * n_angles + kSampleUnit - 1) / kSampleUnit;
  int best = 0;
  std::int64_t fewest = 0;
  for (int units = least; units <= 2 * least || best == 0; ++units) {
    if (!is_smooth(units))
      continue;
    const int n_fine = units * kSampleUnit;
    std::int64_t samples = n_fine;
    for (const int n : needed)
      samples += dividing(n_fine, n);
    if (best == 0 || samples < fewest) {
      best = n_fine;
      fewest = samples;
    }
  }
  return best;
}

} // namespace

ClimbGrid::ClimbGrid(const RingGrid &grid, double mask_radius, int n_low)
    : kernels_(rebalance::kernels()) {
  std::vector<int> needed;
  for (int ring = 0; ring < grid.n_rings; ++ring) {
    needed.push_back(samples_needed(grid.radius(ring), mask_radius, grid.n_angles));
    ring_radius_.push_back(static_cast<float>(2.0 * kPi * grid.radius(ring)));
  }
  n_fine_ = best_fine(grid.n_angles, needed);
  fine_ = std::make_unique<FftTables>(n_fine_);
  for (int ring = 0; ring < grid.n_rings; ++ring) {
    const int most = ring < n_low ? kMostGroups / 2 : kMostGroups;
    const int n = dividing(n_fine_, needed[size(ring)]);
    RingGroup *last = shape_.n_groups > 0 ? &shape_.group[shape_.n_groups - 1] : nullptr;
    if (last == nullptr || ring == n_low || (n > last->n_angles && shape_.n_groups < most))
      shape_.group[shape_.n_groups++] = {ring, ring, n, n_fine_ / n, nullptr};
    last = &shape_.group[shape_.n_groups - 1];
    last->end = ring + 1;
    last->n_angles = std::max(last->n_angles, n);
    last->fine = n_fine_ / last->n_angles;
  }
  for (int g = 0; g < shape_.n_groups; ++g) {
    const int n = shape_.group[g].n_angles;
    direction_.emplace_back();
    for (int a = 0; a < n / 2; ++a)
      direction_.back().push_back(static_cast<float>(std::cos(2.0 * kPi * a / n)));
    for (int a = 0; a < n / 2; ++a)
      direction_.back().push_back(static_cast<float>(std::sin(2.0 * kPi * a / n)));
  }
  for (int g = 0; g < shape_.n_groups; ++g)
    shape_.group[g].direction = direction_[size(g)].data();
  shape_.ring_radius = ring_radius_.data();
  low_shape_ = shape_;
  while (low_shape_.n_groups > 1 && low_shape_.group[low_shape_.n_groups - 1].first >= n_low)
    --low_shape_.n_groups;
}

// ---- Rings, sampled for the climb

namespace {

typedef float Four __attribute__((vector_size(16), aligned(4), may_alias));

// out[lane * out_stride + n] = in[n * in_stride + lane] for kLanes lanes and n_samples samples, a
// multiple of four.
void transpose(const float *in, std::int64_t in_stride, int n_samples, float *out,
               std::int64_t out_stride) {
  for (int n = 0; n < n_samples; n += 4)
    for (int lane = 0; lane < kLanes; lane += 4) {
      const auto row = [&](int r) {
        return *reinterpret_cast<const Four *>(in + (n + r) * in_stride + lane);
      };
      const Four a = row(0), b = row(1), c = row(2), d = row(3);
      const Four ab = {a[0], b[0], a[1], b[1]}, cd = {c[0], d[0], c[1], d[1]};
      const Four ab2 = {a[2], b[2], a[3], b[3]}, cd2 = {c[2], d[2], c[3], d[3]};
      const auto column = [&](int l) {
        return reinterpret_cast<Four *>(out + (lane + l) * out_stride + n);
      };
      *column(0) = Four{ab[0], ab[1], cd[0], cd[1]};
      *column(1) = Four{ab[2], ab[3], cd[2], cd[3]};
      *column(2) = Four{ab2[0], ab2[1], cd2[0], cd2[1]};
      *column(3) = Four{ab2[2], ab2[3], cd2[2], cd2[3]};
    }
}

} // namespace

MovedRings::MovedRings(const PolarRings &rings, const ClimbGrid &grid, int threads,
                       Control &control) {
  const HillShape &shape = grid.shape();
  std::vector<std::unique_ptr<FftTables>> tables;
  for (int g = 0; g < shape.n_groups; ++g) {
    const RingGroup &group = shape.group[g];
    tables.push_back(std::make_unique<FftTables>(group.n_angles));
    size_ += std::int64_t{group.end - group.first} * group.n_angles;
  }
  data_.resize(size(2 * size_ * rings.n_images()));
  parallel_for(rings.n_units(), threads, control, [&](std::int64_t unit) {
    const std::int64_t first = rings.first_slot(unit);
    float *out = data_.data() + 2 * size_ * first;
    AlignedFloats ring_of_lanes(size(std::int64_t{kLanes} * grid.n_fine()));
    for (int g = 0; g < shape.n_groups; ++g) {
      const RingGroup &group = shape.group[g];
      const int n = group.n_angles;
      // A sum over fewer samples weighs each more.
      const double scale = static_cast<double>(rings.grid().n_angles) / n;
      each_resampled(rings, unit, {group.first, group.end}, tables[size(g)]->plan(), scale,
                     [&](int, const float *lanes) {
                       transpose(lanes, kLanes, n, ring_of_lanes.data(), n);
                       for (std::int64_t lane = std::max<std::int64_t>(-first, 0); lane < kLanes;
                            ++lane) {
                         const float *ring = ring_of_lanes.data() + lane * n;
                         float *plain = out + 2 * lane * size_, *mirrored = plain + size_;
                         std::copy(ring, ring + n, plain);
                         mirrored[0] = ring[0];
                         std::reverse_copy(ring + 1, ring + n, mirrored + 1);
                       }
                       out += n;
                     });
    }
  });
}

TurnedRings::TurnedRings(const PolarRings &rings, std::int64_t unit, const ClimbGrid &grid)
    : size_(std::int64_t{rings.grid().n_rings} * grid.n_fine() * 3 / 2),
      data_(size(size_ * kLanes)) {
  const HillShape &shape = grid.shape();
  float *out = data_.data();
  for (int g = 0; g < shape.n_groups; ++g) {
    const RingGroup &group = shape.group[g];
    const int n = group.n_angles;
    each_resampled(rings, unit, {group.first, group.end}, grid.fine_plan(), 1.0,
                   [&](int ring, const float *lanes) {
                     const int row = n + n / 2;
                     for (int f = 0; f < group.fine; ++f) {
                       float *at = out + (f * (group.end - group.first) + ring - group.first) * row;
                       const float *in = lanes + f * kLanes;
                       transpose(in, group.fine * kLanes, n, at, size_);
                       transpose(in, group.fine * kLanes, n / 2, at + n, size_);
                     }
                   });
    out += std::int64_t{group.end - group.first} * grid.n_fine() * 3 / 2;
  }
}

// ---- Newton's method

namespace {

/// Value, gradient and second derivatives by (angle, y, x) of a placement.
struct Point {
  double value;
  double g[3];
  double aa, ay, ax, yy, yx, xx;
};

struct Step {
  double a, y, x;
  bool damped = false; ///< the curvature is not that of a maximum
};

// Moving i by a shift and j by none is moving j the other way. A reflected pair is compared with
// i reflected, and so with its shift reflected and the angle reversed.
Point point_at(const Placement &p, const ClimbGrid &grid, const HillShape &shape,
               const float *moved, const float *turned) {
  Hill h;
  const int n = grid.n_fine();
  const double step = 2.0 * kPi / n, sign = p.mirror ? 1.0 : -1.0;
  const auto fine = static_cast<int>(std::lround(sign * p.angle / step)) % n;
  grid.kernels().hill({&shape, moved, turned, fine < 0 ? fine + n : fine,
                       static_cast<float>(sign * p.y), static_cast<float>(-p.x), &h});
  Point out;
  out.value = h.value[1];
  out.g[0] = sign * (h.value[2] - h.value[0]) / (2.0 * step);
  out.g[1] = sign * h.slope_y[1];
  out.g[2] = -h.slope_x[1];
  out.aa = (double{h.value[2]} - 2.0 * h.value[1] + h.value[0]) / (step * step);
  out.ay = (h.slope_y[2] - h.slope_y[0]) / (2.0 * step);
  out.ax = -sign * (h.slope_x[2] - h.slope_x[0]) / (2.0 * step);
  out.yy = h.yy;
  out.yx = -sign * h.yx;
  out.xx = h.xx;
  return out;
}

// Solves (D - H) step = g for the smallest damping D, of a few tried, that makes D - H positive
// definite (Levenberg's method, by Cholesky), in units in which a px of shift and a px of arc at
// `arm` weigh the same.
Step newton_step(const Point &p, double arm) {
  const double g[3] = {p.g[0] / arm, p.g[1], p.g[2]};
  const double h[6] = {-p.aa / (arm * arm), -p.ay / arm, -p.ax / arm, -p.yy, -p.yx, -p.xx};
  const double scale = std::abs(h[0]) + std::abs(h[3]) + std::abs(h[5]) + 1e-12;
  for (const double damping : {0.0, 0.05, 0.2, 0.8, 3.2, 12.8, 51.2}) {
    const double d = damping * scale;
    const double l00 = std::sqrt(h[0] + d), l10 = h[1] / l00, l20 = h[2] / l00;
    const double l11 = std::sqrt(h[3] + d - l10 * l10), l21 = (h[4] - l20 * l10) / l11;
    const double l22 = std::sqrt(h[5] + d - l20 * l20 - l21 * l21);
    if (!(l00 > 1e-6 && l11 > 1e-6 && l22 > 1e-6)) // false for nan too
      continue;
    const double u0 = g[0] / l00, u1 = (g[1] - l10 * u0) / l11;
    const double u2 = (g[2] - l20 * u0 - l21 * u1) / l22;
    const double x = u2 / l22, y = (u1 - l21 * x) / l11, a = (u0 - l10 * y - l20 * x) / l00;
    return {a / arm, y, x, damping > 0.0};
  }
  return {0.0, 0.0, 0.0, true};
}

double length_of(double y, double x) {
  return std::sqrt(y * y + x * x);
}

Step limited(Step s, const ClimbLimits &limits) {
  const double over = std::max({std::abs(s.a) / limits.max_angle, std::abs(s.y) / limits.max_step,
                                std::abs(s.x) / limits.max_step, 1.0});
  return {s.a / over, s.y / over, s.x / over, s.damped};
}

/// A step, and what it gains on the paraboloid through the point where it starts.
struct Move {
  Step step;
  double gain;
};

Move move_by(const Point &p, const Step &s) {
  return {s, p.g[0] * s.a + p.g[1] * s.y + p.g[2] * s.x +
                 0.5 * (p.aa * s.a * s.a + p.yy * s.y * s.y + p.xx * s.x * s.x) + p.ay * s.a * s.y +
                 p.ax * s.a * s.x + p.yx * s.y * s.x};
}

// Newton's method in angle and arc along the rim of the disc of shifts: the arc takes the place
// of y, and nothing hangs on x.
Move move_on_rim(const Point &p, const Placement &at, const ClimbLimits &limits) {
  const double radius = length_of(at.y, at.x);
  const double ty = at.x / radius, tx = -at.y / radius; // unit vector along the rim
  Point rim{};
  rim.g[0] = p.g[0];
  rim.g[1] = p.g[1] * ty + p.g[2] * tx;
  rim.aa = p.aa;
  rim.ay = p.ay * ty + p.ax * tx;
  rim.yy = p.yy * ty * ty + 2.0 * p.yx * ty * tx + p.xx * tx * tx -
           (p.g[1] * at.y + p.g[2] * at.x) / (radius * radius);
  rim.xx = p.yy + p.xx;
  const Move move = move_by(rim, limited(newton_step(rim, limits.arm()), limits));
  const double turn = move.step.y / radius, c = std::cos(turn), s = std::sin(turn);
  return {{move.step.a, (c - 1.0) * at.y + s * at.x, (c - 1.0) * at.x - s * at.y, move.step.damped},
          move.gain};
}

// The step to the top in angle alone.
double angle_step(const Point &p, double most) {
  return p.aa < 0.0 ? std::clamp(-p.g[0] / p.aa, -most, most) : 0.0;
}

Move next_move(const Point &p, const Placement &at, const ClimbLimits &limits) {
  if (limits.max_shift <= 0.0)
    return move_by(p, {angle_step(p, limits.max_angle), 0.0, 0.0});
  const Step s = limited(newton_step(p, limits.arm()), limits);
  const double length = length_of(at.y + s.y, at.x + s.x);
  if (length <= limits.max_shift)
    return move_by(p, s);
  if (length_of(at.y, at.x) > (1.0 - 1e-6) * limits.max_shift)
    return move_on_rim(p, at, limits);
  const double shorter = limits.max_shift / length; // ends on the rim
  return move_by(p, {s.a, (at.y + s.y) * shorter - at.y, (at.x + s.x) * shorter - at.x, s.damped});
}

Placement moved_by(const Placement &from, const Point &p, const Move &move) {
  return {from.angle + move.step.a, from.y + move.step.y, from.x + move.step.x, from.mirror,
          p.value + move.gain};
}

constexpr int kMostSteps = 6;
// A step this short, in waves at the band limit, ends on the maximum of the paraboloid.
constexpr double kShort = 0.04;

bool is_short(const Step &s, const ClimbLimits &limits, double fine_angle) {
  return !s.damped && std::max(std::abs(s.y), std::abs(s.x)) * limits.high < kShort &&
         std::abs(s.a) < 0.6 * fine_angle;
}

} // namespace

Climb::Climb(const PolarRings &rows, const PolarRings &lanes, int n_low, const ClimbLimits &limits,
             int threads, Control &control)
    : grid_(lanes.grid(), std::max(rows.mask_radius(), lanes.mask_radius()), n_low),
      moved_(rows, grid_, threads, control), limits_(limits) {}

Placement Climb::to_top(const Placement &start, std::int64_t i, const float *turned_j) const {
  const double fine_angle = 2.0 * kPi / grid_.n_fine();
  const float *moved_i = moved_.image(i, start.mirror);
  Placement best = start, from = start; // where the last good step began
  best.value = -2.0;
  Step step{};
  for (int round = 0; round < kMostSteps; ++round) {
    Placement at = from;
    at.angle = fine_angle * std::round((from.angle + step.a) / fine_angle);
    at.y += step.y;
    at.x += step.x;
    const Point p = point_at(at, grid_, grid_.shape(), moved_i, turned_j);
    const Placement top = moved_by(at, p, move_by(p, {angle_step(p, fine_angle), 0.0, 0.0}));
    if (!(top.value > best.value)) {
      step = {step.a / 2, step.y / 2, step.x / 2};
      continue;
    }
    best = top;
    from = at;
    const Move next = next_move(p, at, limits_);
    step = next.step;
    if (is_short(step, limits_, fine_angle)) {
      if (next.gain > 0.0)
        best = moved_by(at, p, next);
      break;
    }
  }
  return best;
}

Placement Climb::low_step(const Placement &start, std::int64_t i, const float *turned_j) const {
  const double fine_angle = 2.0 * kPi / grid_.n_fine();
  Placement at = start;
  at.angle = fine_angle * std::round(start.angle / fine_angle);
  const Point p = point_at(at, grid_, grid_.low_shape(), moved_.image(i, start.mirror), turned_j);
  return moved_by(at, p, next_move(p, at, limits_));
}

} // namespace rebalance
