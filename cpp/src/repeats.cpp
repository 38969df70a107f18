#include "rebalance/repeats.hpp"

namespace rebalance {
namespace {

constexpr int kMostBits = 8;
constexpr std::size_t kPartSize = 1 << 15;

// The identities of one part of the rows, with a mark on those met more than once. Open
// addressing; slots are found by the low bits, parts by the high ones.
class SeenSet {
public:
  explicit SeenSet(std::size_t n_identities) {
    std::size_t size = 16;
    while (size < 2 * n_identities)
      size *= 2;
    slots_.resize(size);
    state_.resize(size);
  }

  // Whether the identity was there before.
  bool add(std::uint64_t identity) {
    const std::size_t slot = find(identity);
    slots_[slot] = identity;
    const bool seen = state_[slot] != 0;
    state_[slot] = seen ? 2 : 1;
    return seen;
  }

  bool repeated(std::uint64_t identity) const { return state_[find(identity)] == 2; }

private:
  std::size_t find(std::uint64_t identity) const {
    std::size_t slot = identity & (slots_.size() - 1);
    while (state_[slot] != 0 && slots_[slot] != identity)
      slot = (slot + 1) & (slots_.size() - 1);
    return slot;
  }

  std::vector<std::uint64_t> slots_;
  std::vector<std::uint8_t> state_; // 0 free, 1 met once, 2 met again
};

} // namespace

// In parts, so that the set of one part stays in the processor's cache, and takes a small share of
// the memory of the identities themselves.
Repeats find_repeats(const std::uint64_t *identity, std::size_t size) {
  int bits = 1;
  while (bits < kMostBits && (size >> bits) > kPartSize)
    ++bits;
  const int shift = 64 - bits;
  const std::uint64_t n_parts = std::uint64_t{1} << bits;
  std::vector<std::size_t> part_size(n_parts);
  for (std::size_t i = 0; i < size; ++i)
    ++part_size[identity[i] >> shift];
  Repeats repeats;
  for (std::uint64_t part = 0; part < n_parts; ++part) {
    SeenSet seen(part_size[part]);
    std::size_t n_later = 0;
    for (std::size_t i = 0; i < size; ++i)
      if (identity[i] >> shift == part)
        n_later += seen.add(identity[i]);
    if (n_later > 0)
      repeats.row.resize(size);
    for (std::size_t i = 0; i < size && n_later > 0; ++i)
      if (identity[i] >> shift == part)
        repeats.row[i] = seen.repeated(identity[i]);
    repeats.n_later += n_later;
  }
  return repeats;
}

} // namespace rebalance
