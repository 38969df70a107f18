#include "rebalance/climb_rings.hpp"

#include <algorithm> // for copy, max, min, reverse_copy
#include <cmath>     // for cbrt, cos, sin
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
    const int n = dividing(n_fine_, needed[size(ring)]);
    RingGroup *last = shape_.n_groups > 0 ? &shape_.group[shape_.n_groups - 1] : nullptr;
    if (last == nullptr || (n > last->n_angles && shape_.n_groups < kMostGroups))
      shape_.group[shape_.n_groups++] = {ring, ring, 0, n, n_fine_ / n, nullptr};
    last = &shape_.group[shape_.n_groups - 1];
    last->end = ring + 1;
    ++last->stored;
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
  while (low_shape_.group[low_shape_.n_groups - 1].first >= n_low)
    --low_shape_.n_groups;
  low_shape_.group[low_shape_.n_groups - 1].end =
      std::min(low_shape_.group[low_shape_.n_groups - 1].end, n_low);
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

} // namespace rebalance
