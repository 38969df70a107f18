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

/// What a draw knows of n particles; every array has n entries.
struct Drawn {
  const std::int32_t *group = nullptr;     // -1: none
  const std::uint64_t *identity = nullptr; // null: the row number
  const double *quality = nullptr;         // no NaN; null: all alike
  std::int64_t n = 0;
  std::uint64_t seed = 0;

  std::uint64_t key(std::int64_t i) const {
    return draw_key(identity ? identity[i] : static_cast<std::uint64_t>(i), seed);
  }
};

/// Particles of each of n_groups groups; with `keep` only those where it is true.
/// Throws std::invalid_argument for a group that is not in [-1, n_groups).
std::vector<std::int64_t> count_groups(const std::int32_t *group, std::int64_t n,
                                       std::int64_t n_groups, const bool *keep = nullptr);

/// Marks the particles that stay: of group g the cap[g] of the largest quality, equal ones settled
/// by the smaller key, equal keys by the lower index; all where the group is no larger or
/// cap[g] < 0, and all of group -1.
/// Throws std::invalid_argument for a group that is not in [-1, n_groups).
void draw(const Drawn &particles, const std::int64_t *cap, std::int64_t n_groups, bool *keep);

/// The smallest key of each group; the largest number where it has no particles.
std::vector<std::uint64_t> smallest_keys(const Drawn &particles, std::int64_t n_groups);

} // namespace rebalance
