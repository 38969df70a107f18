#include "rebalance/hills.hpp"

#include <algorithm> // for fill, max, min
#include <cmath>     // for hypot
#include <cstdlib>   // for abs

namespace rebalance {

namespace {

double distance(const Shift &a, const Shift &b) {
  return std::hypot(a.y - b.y, a.x - b.x);
}

// Turns that differ by no more than so many angles of the grid may belong to one hill. (With 2 as
// many as one in a thousand pairs miss a hill.)
constexpr int kLike = 1;

bool like(int angle, int other, int n_angles) {
  const int apart = std::abs(angle - other);
  return std::min(apart, n_angles - apart) <= kLike;
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

Hills::Hills(const Scan &scan) : scan_(scan), neighbours_(scan.shifts().size()) {
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

bool Hills::is_top(const GridPoint &point, const Scan::Found &found, std::int64_t row,
                   std::int64_t lane) const {
  const int first = point.mirror ? kSectors : 0;
  for (const int shift : neighbours_[static_cast<std::size_t>(point.shift)]) {
    const PairBest::Row &kept = found.at(shift, row);
    for (int n = first; n < first + kSectors; ++n) {
      const float value = kept.value[n][lane];
      if (value < point.value || (value == point.value && shift > point.shift))
        continue;
      if (like(scan_.angle(kept.code[n][lane]), point.angle, scan_.n_angles()))
        return false;
    }
  }
  return true;
}

namespace {

// What is kept of the shifts of one image lies far apart, where no processor looks ahead by itself.
constexpr int kAhead = 6;

void prefetch(const PairBest::Row &row) {
  for (const float (&value)[kLanes] : row.value)
    __builtin_prefetch(value);
}

bool any_reaches(const float *value, const float *least) {
  bool any = false;
  for (int lane = 0; lane < kLanes; ++lane)
    any |= value[lane] >= least[lane];
  return any;
}

} // namespace

void Hills::find(const Scan::Found &found, std::int64_t row, const float *below, Feet *feet) const {
  const int n_kept = scan_.mirror() ? kKept : kSectors;
  float least[kLanes];
  std::fill(least, least + kLanes, -2.0f);
  for (int shift = 0; shift < scan_.n_shifts(); ++shift) {
    const PairBest::Row &kept = found.at(shift, row);
    prefetch(found.at(std::min(shift + kAhead, scan_.n_shifts() - 1), row));
    for (int n = 0; n < n_kept; ++n)
      for (int lane = 0; lane < kLanes; ++lane)
        least[lane] = std::max(least[lane], kept.value[n][lane]);
  }
  for (int lane = 0; lane < kLanes; ++lane) {
    least[lane] -= below[lane];
    feet[lane].n = 0;
  }
  for (int shift = 0; shift < scan_.n_shifts(); ++shift) {
    const PairBest::Row &kept = found.at(shift, row);
    for (int n = 0; n < n_kept; ++n) {
      if (!any_reaches(kept.value[n], least))
        continue;
      for (int lane = 0; lane < kLanes; ++lane) {
        if (kept.value[n][lane] < least[lane])
          continue;
        const GridPoint point{shift, scan_.angle(kept.code[n][lane]), n >= kSectors,
                              kept.value[n][lane]};
        if (is_top(point, found, row, lane))
          feet[lane].add(point);
      }
    }
  }
}

} // namespace rebalance
