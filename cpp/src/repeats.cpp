#include "rebalance/repeats.hpp"

namespace rebalance {
namespace {

// The identities that may stand twice, with how often each was met. Open addressing.
class SuspectSet {
public:
  explicit SuspectSet(const std::vector<std::uint64_t> &suspects) {
    std::size_t size = 16;
    while (size < 2 * suspects.size())
      size *= 2;
    slots_.resize(size);
    state_.resize(size);
    for (const std::uint64_t identity : suspects) {
      const std::size_t slot = find(identity);
      slots_[slot] = identity;
      state_[slot] = State::suspect;
    }
  }

  // Whether the identity was met before.
  bool meet(std::uint64_t identity) {
    State &state = state_[find(identity)];
    if (state == State::absent)
      return false;
    const bool before = state != State::suspect;
    state = before ? State::met_again : State::met;
    return before;
  }

  bool repeated(std::uint64_t identity) const { return state_[find(identity)] == State::met_again; }

private:
  enum class State : std::uint8_t { absent, suspect, met, met_again };

  std::size_t find(std::uint64_t identity) const {
    std::size_t slot = identity & (slots_.size() - 1);
    while (state_[slot] != State::absent && slots_[slot] != identity)
      slot = (slot + 1) & (slots_.size() - 1);
    return slot;
  }

  std::vector<std::uint64_t> slots_;
  std::vector<State> state_;
};

// Identities whose bit in a field of 8 to 16 bits each was set before: all that stand twice, and
// about one in twenty of the others.
std::vector<std::uint64_t> suspects(const std::uint64_t *identity, std::size_t size) {
  int bits = 10;
  while (bits < 60 && std::size_t{1} << bits < 8 * size)
    ++bits;
  std::vector<std::uint64_t> field(std::size_t{1} << (bits - 6));
  std::vector<std::uint64_t> found;
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint64_t place = identity[i] >> (64 - bits), bit = std::uint64_t{1} << (place & 63);
    if ((field[place >> 6] & bit) != 0)
      found.push_back(identity[i]);
    field[place >> 6] |= bit;
  }
  return found;
}

} // namespace

// A field of bits sorts out nearly all, so that the exact count takes little memory and time.
Repeats find_repeats(const std::uint64_t *identity, std::size_t size) {
  SuspectSet set(suspects(identity, size));
  Repeats repeats;
  for (std::size_t i = 0; i < size; ++i)
    repeats.n_later += set.meet(identity[i]);
  if (repeats.n_later > 0)
    repeats.row.resize(size);
  for (std::size_t i = 0; i < repeats.row.size(); ++i)
    repeats.row[i] = set.repeated(identity[i]);
  return repeats;
}

} // namespace rebalance
