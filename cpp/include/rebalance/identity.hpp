// The 64-bit identity of a particle.
#pragma once

#include <algorithm> // for min
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rebalance {

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014): a bijection that mixes all bits.
inline std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// One step of 64-bit FNV-1a.
inline std::uint64_t hashed_on(std::uint64_t hash, char c) {
  return (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
}

/// Identity of a name or row: 64-bit FNV-1a (Fowler, Noll & Vo), mixed, since FNV alone leaves
/// similar names similar.
inline std::uint64_t identity_of(std::string_view bytes) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : bytes)
    hash = hashed_on(hash, c);
  return mixed(hash);
}

/// The identities of many, four at a time: the steps of one wait for each other, those of four
/// do not.
inline void identities_of(const std::string_view *bytes, std::size_t size,
                          std::uint64_t *identity) {
  constexpr std::size_t lanes = 4;
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    std::uint64_t hash[lanes];
    std::size_t shared = bytes[i].size();
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      hash[lane] = 0xCBF29CE484222325u;
      shared = std::min(shared, bytes[i + lane].size());
    }
    for (std::size_t at = 0; at < shared; ++at)
      for (std::size_t lane = 0; lane < lanes; ++lane)
        hash[lane] = hashed_on(hash[lane], bytes[i + lane][at]);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      for (const char c : bytes[i + lane].substr(shared))
        hash[lane] = hashed_on(hash[lane], c);
      identity[i + lane] = mixed(hash[lane]);
    }
  }
  for (; i < size; ++i)
    identity[i] = identity_of(bytes[i]);
}

} // namespace rebalance
