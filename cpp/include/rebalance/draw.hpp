// The draw by key: which particles stay depends on identities and seed alone.
#pragma once

#include <cstdint>
#include <vector>

#include "rebalance/identity.hpp"

namespace rebalance {

/// Key of a particle. The smallest keys stay. Two rounds, so that seeds 0 and 1 have nothing in
/// common; the added constant keeps identity 0 with seed 0 from being key 0.
inline std::uint64_t draw_key(std::uint64_t identity, std::uint64_t seed) {
  constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15u;
  return mixed((identity ^ mixed(seed + kGolden)) + kGolden);
}

/// Marks the particles that stay: of group g the cap[g] smallest keys, all where the group is no
/// larger or cap[g] < 0, and all of group -1. Equal keys are settled by the lower index.
/// Throws std::invalid_argument for a group that is not in [-1, cap.size()).
void draw(const std::vector<std::int64_t> &cap, const std::int32_t *group,
          const std::uint64_t *identity, std::int64_t n, std::uint64_t seed, bool *keep);

} // namespace rebalance
