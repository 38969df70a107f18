#include "rebalance/hills.hpp"

#include <algorithm> // for max, min, sort
#include <cmath>     // for hypot
#include <cstdlib>   // for abs

namespace rebalance {

namespace {

double distance(const Shift &a, const Shift &b) {
  return std::hypot(a.y - b.y, a.x - b.x);
}

// Turns that differ by so many angles of the grid may belong to one hill.
constexpr int kLike = 2;

bool like(int angle, int other, int n_angles) {
  const int apart = std::abs(angle - other);
  return std::min(apart, n_angles - apart) <= kLike;
}

} // namespace

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

bool Hills::is_top(const GridPoint &point, const Scan::Found::Pair &pair) const {
  const int first = point.mirror ? kSectors : 0;
  for (const int shift : neighbours_[static_cast<std::size_t>(point.shift)])
    for (int kept = first; kept < first + kSectors; ++kept) {
      const float value = pair.value(shift, kept);
      if (value < point.value || (value == point.value && shift > point.shift))
        continue;
      if (like(pair.angle(shift, kept), point.angle, scan_.n_angles()))
        return false;
    }
  return true;
}

void Hills::find(const Scan::Found::Pair &pair, float below, std::vector<GridPoint> &hills) const {
  hills.clear();
  float highest = -2.0f;
  const int n_kept = scan_.mirror() ? kKept : kSectors;
  for (int shift = 0; shift < scan_.n_shifts(); ++shift)
    for (int kept = 0; kept < n_kept; ++kept)
      highest = std::max(highest, pair.value(shift, kept));
  for (int shift = 0; shift < scan_.n_shifts(); ++shift)
    for (int kept = 0; kept < n_kept; ++kept) {
      const float value = pair.value(shift, kept);
      if (value < highest - below)
        continue;
      const GridPoint point{shift, pair.angle(shift, kept), kept >= kSectors, value};
      if (is_top(point, pair))
        hills.push_back(point);
    }
  std::stable_sort(hills.begin(), hills.end(),
                   [](const GridPoint &a, const GridPoint &b) { return a.value > b.value; });
  if (hills.size() > kMost)
    hills.resize(kMost);
}

} // namespace rebalance
