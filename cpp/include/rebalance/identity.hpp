// The 64-bit identity of a particle.
#pragma once

#include <cstdint>
#include <string_view>

namespace rebalance {

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014): a bijection that mixes all bits.
inline std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// Identity of a name or row: 64-bit FNV-1a (Fowler, Noll & Vo), mixed, since FNV alone leaves
/// similar names similar.
inline std::uint64_t identity_of(std::string_view bytes) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : bytes)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return mixed(hash);
}

} // namespace rebalance
