#include "rebalance/hills.hpp"

#include <algorithm> // for fill, max, min
#include <cmath>     // for hypot

#include "rebalance/aligned.hpp"

namespace rebalance {

namespace {

std::size_t size(std::int64_t n) {
  return static_cast<std::size_t>(n);
}

double distance(const Shift &a, const Shift &b) {
  return std::hypot(a.y - b.y, a.x - b.x);
}

} // namespace

void Feet::add(const GridPoint &point) {
  int at = n;
  for (; at > 0 && foot[at - 1].value < point.value; --at)
    if (at < kMost)
      foot[at] = foot[at - 1];
  if (at < kMost)
    foot[at] = point;
  n = std::min(n + 1, kMost);
}

Hills::Hills(const Scan &scan)
    : kernels_(kernels()), scan_(scan), neighbours_(scan.shifts().size()) {
  const std::vector<Shift> &shifts = scan.shifts();
  double step = distance(shifts.front(), shifts.back());
  for (const Shift &shift : shifts)
    if (const double d = distance(shift, shifts.front()); d > 0.0)
      step = std::min(step, d);
  for (std::size_t a = 0; a < shifts.size(); ++a)
    for (std::size_t b = 0; b < shifts.size(); ++b)
      if (a != b && distance(shifts[a], shifts[b]) < 1.5 * step)
        neighbours_[a].push_back(static_cast<int>(b));
}

namespace {

// What is kept of the shifts of one image lies far apart, where no processor looks ahead by itself.
constexpr int kAhead = 6;

void prefetch(const PairBest::Row &row) {
  for (const float (&value)[kLanes] : row.value)
    __builtin_prefetch(value);
}

} // namespace

void Hills::find(const Scan::Found &found, std::int64_t row, const float *below, Feet *feet) const {
  constexpr int n_points = kKept * kLanes; // of one shift
  const int n_kept = scan_.mirror() ? kKept : kSectors;
  AlignedFloats value(size(n_points * scan_.n_shifts()), -2.0f), angle(value.size(), 0.0f);
  alignas(64) float least[kLanes], top[n_points];
  std::fill(least, least + kLanes, -2.0f);
  for (int shift = 0; shift < scan_.n_shifts(); ++shift) {
    const PairBest::Row &kept = found.at(shift, row);
    prefetch(found.at(std::min(shift + kAhead, scan_.n_shifts() - 1), row));
    for (int n = 0; n < n_kept; ++n) {
      const std::size_t at = size(shift * n_points + n * kLanes);
      for (int lane = 0; lane < kLanes; ++lane) {
        value[at + size(lane)] = kept.value[n][lane];
        least[lane] = std::max(least[lane], kept.value[n][lane]);
      }
      for (int lane = 0; lane < kLanes; ++lane)
        angle[at + size(lane)] = static_cast<float>(scan_.angle(shift, kept.code[n][lane]));
    }
  }
  for (int lane = 0; lane < kLanes; ++lane) {
    least[lane] -= below[lane];
    feet[lane].n = 0;
  }
  for (int shift = 0; shift < scan_.n_shifts(); ++shift) {
    const std::vector<int> &near = neighbours_[size(shift)];
    kernels_.tops({value.data(), angle.data(), scan_.n_angles(), shift,
                   static_cast<int>(near.size()), near.data(), least, top});
    for (int n = 0; n < n_points; ++n)
      if (top[n] != 0.0f) {
        const std::size_t at = size(shift * n_points + n);
        feet[n % kLanes].add(
            {shift, static_cast<int>(angle[at]), n >= kSectors * kLanes, value[at]});
      }
  }
}

} // namespace rebalance
