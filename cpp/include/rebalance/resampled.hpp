// Rings sampled at other angles.
#pragma once

#include <algorithm>
#include <cstdint>

#include "rebalance/aligned.hpp"
#include "rebalance/kernels.hpp"
#include "rebalance/polar_rings.hpp"

namespace rebalance {

struct RingRange {
  int first, end;
};

/// Calls body(ring, samples) for some rings of a unit, sampled as a transform of another length
/// asks for, times `scale`: [to.length] lanes.
template <class Body>
void each_resampled(const PolarRings &rings, std::int64_t unit, const RingRange &range,
                    const FftPlan &to, double scale, const Body &body) {
  const FftPlan &from = rings.fft().plan();
  const Kernels &k = kernels();
  const auto lanes = [](std::int64_t n) { return static_cast<std::size_t>(n * kLanes); };
  AlignedFloats work(lanes(2L * (from.length + to.length))), out(lanes(2L * to.length));
  float *const to_second = out.data() + std::int64_t{to.length} * kLanes;
  for (int ring = range.first; ring < range.end; ring += 2) {
    const int second = std::min(ring + 1, range.end - 1);
    const auto at = [&](int r) {
      return rings.unit(unit) + std::int64_t{r} * from.length * kLanes;
    };
    k.resample({&from,
                &to,
                static_cast<float>(scale),
                {at(ring), at(second)},
                work.data(),
                {out.data(), to_second}});
    body(ring, out.data());
    if (second != ring)
      body(second, to_second);
  }
}

} // namespace rebalance
