#include "rebalance/hill_search.hpp"

#include <algorithm> // for max, none_of
#include <cmath>     // for cos, sin

namespace rebalance {

// A grid point shifts j first; a placement shifts it last.
Placement placement_of(const GridPoint &point, const Scan &scan) {
  const Shift &shift = scan.shifts()[static_cast<std::size_t>(point.shift)];
  constexpr double kPi = 3.14159265358979323846;
  Placement p;
  p.angle = 2.0 * kPi * point.angle / scan.n_angles();
  p.mirror = point.mirror;
  const double c = std::cos(p.angle), s = std::sin(p.angle), y = p.mirror ? -shift.y : shift.y;
  p.y = s * shift.x + c * y;
  p.x = c * shift.x - s * y;
  p.value = point.value;
  return p;
}

namespace {

// Grid points this much lower than the highest may still be the feet of higher hills.
constexpr double kGridLoss = 0.03;

} // namespace

void HillSearch::find(const Scan::Found &found, std::int64_t row, std::int64_t i,
                      std::int64_t first_j, Feet *feet) const {
  float below[kLanes];
  for (std::int64_t lane = 0; lane < kLanes; ++lane)
    below[lane] =
        static_cast<float>(kGridLoss + above(i, std::max<std::int64_t>(first_j + lane, 0)));
  hills_.find(found, row, below, feet);
}

Placement HillSearch::highest(const Feet &feet, std::int64_t i, std::int64_t j,
                              const float *turned_j) const {
  Placement step[Feet::kMost]; // the highest first, by what a step promises in the scanned part
  for (int h = 0; h < feet.n; ++h) {
    Placement one = placement_of(feet.foot[h], scan_);
    if (feet.n > 1)
      one = climb_.low_step(one, i, turned_j);
    int at = h;
    for (; at > 0 && step[at - 1].value < one.value; --at)
      step[at] = step[at - 1];
    step[at] = one;
  }
  Top best = climb_.to_top(step[0], i, turned_j);
  const auto try_from = [&](const Placement &start) {
    const Top top = climb_.to_top(start, i, turned_j, best.at);
    if (top.at.value > best.at.value)
      best = top;
  };
  for (int h = 1; h < feet.n && step[h].value + above(i, j) > best.at.value; ++h) {
    const auto same = [&](const Placement &other) { return climb_.alike(step[h], other); };
    if (!same(best.at) && std::none_of(step, step + h, same))
      try_from(step[h]);
  }
  Placement beside[Climb::kBeside];
  for (int n = climb_.beside(best, beside); n > 0; --n)
    try_from(beside[n - 1]);
  return best.at;
}

} // namespace rebalance
