#include "rebalance/climb.hpp"

#include <algorithm> // for clamp, max
#include <cmath>     // for cos, remainder, sin, sqrt

namespace rebalance {

namespace {

constexpr double kPi = 3.14159265358979323846;

/// Value, gradient and second derivatives by (arc, y, x) of a placement.
struct Point : Curvature {
  double value;
  double g[3];
};

struct Step {
  double a, y, x;      ///< px, the first along the arc
  bool damped = false; ///< the curvature is not that of a maximum
};

// The nearest whole number (that of the library is a call on older processors).
int nearest(double x) {
  return static_cast<int>(x < 0.0 ? x - 0.5 : x + 0.5);
}

// Moving i by a shift and j by none is moving j the other way. A reflected pair is compared with
// i reflected, and so with its shift reflected and the angle reversed.
Point point_at(const Placement &p, const ClimbGrid &grid, const HillShape &shape,
               const ClimbScale &scale, const float *moved, const float *turned) {
  Hill h;
  const int n = grid.n_fine();
  const double sign = p.mirror ? 1.0 : -1.0;
  const int fine = nearest(sign * p.angle * (n / (2.0 * kPi))) % n;
  grid.kernels().hill({&shape, moved, turned, fine < 0 ? fine + n : fine,
                       static_cast<float>(sign * p.y), static_cast<float>(-p.x), &h});
  const double per_arc = 1.0 / scale.fine_arc;
  Point out;
  out.value = h.value[1];
  out.g[0] = sign * (h.value[2] - h.value[0]) * (0.5 * per_arc);
  out.g[1] = sign * h.slope_y[1];
  out.g[2] = -h.slope_x[1];
  out.aa = (double{h.value[2]} - 2.0 * h.value[1] + h.value[0]) * (per_arc * per_arc);
  out.ay = (h.slope_y[2] - h.slope_y[0]) * (0.5 * per_arc);
  out.ax = -sign * (h.slope_x[2] - h.slope_x[0]) * (0.5 * per_arc);
  out.yy = h.yy;
  out.yx = -sign * h.yx;
  out.xx = h.xx;
  return out;
}

// Solves (D - H) step = g for the smallest damping D, of a few tried, that makes D - H positive
// definite (Levenberg's method, by L D L^T).
Step newton_step(const Point &p) {
  const double *g = p.g;
  const double h[6] = {-p.aa, -p.ay, -p.ax, -p.yy, -p.yx, -p.xx};
  const double scale = std::abs(h[0]) + std::abs(h[3]) + std::abs(h[5]) + 1e-12;
  constexpr double least = 1e-12;
  for (const double damping : {0.0, 0.05, 0.2, 0.8, 3.2, 12.8, 51.2}) {
    const double d = damping * scale;
    const double d0 = h[0] + d, r0 = 1.0 / d0, l10 = h[1] * r0, l20 = h[2] * r0;
    const double d1 = h[3] + d - l10 * h[1], r1 = 1.0 / d1, c21 = h[4] - l20 * h[1];
    const double l21 = c21 * r1, d2 = h[5] + d - l20 * h[2] - l21 * c21;
    if (!(d0 > least && d1 > least && d2 > least)) // false for nan too
      continue;
    const double u1 = g[1] - l10 * g[0], u2 = g[2] - l20 * g[0] - l21 * u1;
    const double x = u2 / d2, y = u1 * r1 - l21 * x, a = g[0] * r0 - l10 * y - l20 * x;
    return {a, y, x, damping > 0.0};
  }
  return {0.0, 0.0, 0.0, true};
}

/// The direction in which the correlation falls least, a step of 1 px in it, and how fast it falls.
struct Flat {
  Step step;
  double curvature;
};

// By inverse iteration; the inverse is needed up to a factor only.
Flat flattest(const Curvature &c) {
  const double h[3][3] = {{-c.aa, -c.ay, -c.ax}, {-c.ay, -c.yy, -c.yx}, {-c.ax, -c.yx, -c.xx}};
  double inverse[3][3];
  for (int r = 0; r < 3; ++r)
    for (int q = 0; q < 3; ++q) {
      const int r1 = (r + 1) % 3, r2 = (r + 2) % 3, q1 = (q + 1) % 3, q2 = (q + 2) % 3;
      inverse[q][r] = h[r1][q1] * h[r2][q2] - h[r1][q2] * h[r2][q1];
    }
  double v[3] = {0.6, 0.5, 0.7};
  for (int round = 0; round < 6; ++round) {
    double w[3], length = 1e-300;
    for (int r = 0; r < 3; ++r) {
      w[r] = inverse[r][0] * v[0] + inverse[r][1] * v[1] + inverse[r][2] * v[2];
      length = std::max(length, std::abs(w[r]));
    }
    for (int r = 0; r < 3; ++r)
      v[r] = w[r] / length;
  }
  const double length = std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]) + 1e-300;
  double curvature = 0.0;
  for (int r = 0; r < 3; ++r)
    for (int q = 0; q < 3; ++q)
      curvature += v[r] * h[r][q] * v[q] / (length * length);
  return {{v[0] / length, v[1] / length, v[2] / length}, curvature};
}

double length_of(double y, double x) {
  return std::sqrt(y * y + x * x);
}

Step limited(Step s, const ClimbScale &limits) {
  const double arc = std::abs(s.a), shift = std::max(std::abs(s.y), std::abs(s.x));
  if (arc <= limits.max_arc && shift <= limits.max_step)
    return s;
  const double over = std::max(arc / limits.max_arc, shift / limits.max_step);
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

// Newton's method in angle and along the rim of the disc of shifts: the way along it takes the
// place of y, and nothing hangs on x.
Move move_on_rim(const Point &p, const Placement &at, const ClimbScale &limits) {
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
  const Move move = move_by(rim, limited(newton_step(rim), limits));
  const double turn = move.step.y / radius, c = std::cos(turn), s = std::sin(turn);
  return {{move.step.a, (c - 1.0) * at.y + s * at.x, (c - 1.0) * at.x - s * at.y, move.step.damped},
          move.gain};
}

// The step to the top in angle alone.
double angle_step(const Point &p, double most) {
  return p.aa < 0.0 ? std::clamp(-p.g[0] / p.aa, -most, most) : 0.0;
}

Move next_move(const Point &p, const Placement &at, const ClimbScale &limits) {
  if (limits.max_shift <= 0.0)
    return move_by(p, {angle_step(p, limits.max_arc), 0.0, 0.0});
  const Step s = limited(newton_step(p), limits);
  const double length = length_of(at.y + s.y, at.x + s.x);
  if (length <= limits.max_shift)
    return move_by(p, s);
  if (length_of(at.y, at.x) > (1.0 - 1e-6) * limits.max_shift)
    return move_on_rim(p, at, limits);
  const double shorter = limits.max_shift / length; // ends on the rim
  return move_by(p, {s.a, (at.y + s.y) * shorter - at.y, (at.x + s.x) * shorter - at.x, s.damped});
}

Placement moved_by(const Placement &from, const Point &p, const Move &move, double arm) {
  return {from.angle + move.step.a / arm, from.y + move.step.y, from.x + move.step.x, from.mirror,
          p.value + move.gain};
}

// Sums are made at fine angles only.
Placement at_fine_angle(Placement p, double fine_angle) {
  p.angle = fine_angle * nearest(p.angle / fine_angle);
  return p;
}

constexpr int kMostSteps = 6;
// A step this short, in waves at the band limit, ends on the maximum of the paraboloid.
constexpr double kShort = 0.04;
// A climb hardly ever gains more than so many times what the paraboloid promises.
constexpr double kHope = 1.5;

bool is_short(const Step &s, const ClimbScale &limits) {
  return !s.damped && std::max(std::abs(s.y), std::abs(s.x)) * limits.high < kShort &&
         std::abs(s.a) < 0.8 * limits.fine_arc;
}

} // namespace

Climb::Climb(const PolarRings &rows, const PolarRings &lanes, int n_low, const ClimbLimits &limits,
             int threads, Control &control)
    : grid_(lanes.grid(), std::max(rows.mask_radius(), lanes.mask_radius()), n_low),
      moved_(rows, grid_, threads, control),
      mask_radius_(std::max(rows.mask_radius(), lanes.mask_radius())),
      fine_angle_(2.0 * kPi / grid_.n_fine()) {
  // A px of shift weighs as much as a px of arc so far from the centre.
  const double arm = 0.5 / limits.high;
  limits_ = {limits, arm, arm * fine_angle_, arm * limits.max_angle};
}

bool Climb::alike(const Placement &a, const Placement &b) const {
  constexpr double kNear = 0.25;
  const double near = kNear / limits_.high;
  return a.mirror == b.mirror && length_of(a.y - b.y, a.x - b.x) < near &&
         std::abs(std::remainder(a.angle - b.angle, 2.0 * kPi)) * 0.5 * mask_radius_ < near;
}

Top Climb::to_top(const Placement &start, std::int64_t i, const float *turned_j,
                  const Placement &rival) const {
  const float *moved_i = moved_.image(i, start.mirror);
  Top best{start, {}};
  Placement from = start; // where the last good step began
  best.at.value = -2.0;
  Step step{};
  for (int round = 0; round < kMostSteps; ++round) {
    const Placement at = at_fine_angle(moved_by(from, {}, {step, 0.0}, limits_.arm), fine_angle_);
    const Point p = point_at(at, grid_, grid_.shape(), limits_, moved_i, turned_j);
    const Move turn = move_by(p, {angle_step(p, limits_.fine_arc), 0.0, 0.0});
    const Placement top = moved_by(at, p, turn, limits_.arm);
    if (!(top.value > best.at.value)) {
      step = {step.a / 2, step.y / 2, step.x / 2};
      continue;
    }
    best = {top, p};
    from = at;
    const Move next = next_move(p, at, limits_);
    step = next.step;
    if (is_short(step, limits_)) {
      if (next.gain > 0.0)
        best.at = moved_by(at, p, next, limits_.arm);
      break;
    }
    if (p.value + kHope * next.gain < rival.value ||
        alike(moved_by(at, p, next, limits_.arm), rival))
      break;
  }
  return best;
}

// A ridge has its tops half a wave apart at least; where the nearest paraboloid falls by more than
// kFlat within that, there is no other as high.
int Climb::beside(const Top &top, Placement *start) const {
  constexpr double kFlat = 0.002;
  if (limits_.max_shift <= 0.0)
    return 0;
  const double length = 0.5 / limits_.high;
  const Flat flat = flattest(top.curvature);
  if (0.5 * flat.curvature * length * length > kFlat)
    return 0;
  for (int n = 0; n < kBeside; ++n) {
    const double along = n == 0 ? length : -length;
    Placement p = top.at;
    p.angle += along * flat.step.a / limits_.arm;
    p.y += along * flat.step.y;
    p.x += along * flat.step.x;
    const double shorter = limits_.max_shift / std::max(length_of(p.y, p.x), limits_.max_shift);
    p.y *= shorter;
    p.x *= shorter;
    start[n] = p;
  }
  return kBeside;
}

Placement Climb::low_step(const Placement &start, std::int64_t i, const float *turned_j) const {
  const Placement at = at_fine_angle(start, fine_angle_);
  const Point p =
      point_at(at, grid_, grid_.low_shape(), limits_, moved_.image(i, start.mirror), turned_j);
  return moved_by(at, p, next_move(p, at, limits_), limits_.arm);
}

} // namespace rebalance
