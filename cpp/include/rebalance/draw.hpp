// The draw by key: which particles stay depends on identities and seed alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rebalance {

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014): a bijection that mixes all bits.
inline std::uint64_t mixed(std::uint64_t z) {
  z += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// Key of a particle: mixed(identity xor mixed(seed)). The smallest keys stay.
inline std::uint64_t draw_key(std::uint64_t identity, std::uint64_t seed) {
  return mixed(identity ^ mixed(seed));
}

/// 64-bit identity of bytes: FNV-1a (Fowler, Noll & Vo), mixed, since FNV alone leaves
/// similar names similar.
inline std::uint64_t identity_of(const char *bytes, std::size_t n) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (std::size_t i = 0; i < n; ++i)
    hash = (hash ^ static_cast<unsigned char>(bytes[i])) * 0x100000001B3u;
  return mixed(hash);
}

/// Marks the particles that stay: of group g the cap[g] smallest keys, all where the group is no
/// larger or cap[g] < 0, and all of group -1. Equal keys are settled by the lower index.
/// Throws std::invalid_argument for a group that is not in [-1, cap.size()).
void draw(const std::vector<std::int64_t> &cap, const std::int32_t *group,
          const std::uint64_t *identity, std::int64_t n, std::uint64_t seed, bool *keep);

} // namespace rebalance
