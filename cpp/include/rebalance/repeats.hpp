// Which identities stand more than once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rebalance {

struct Repeats {
  std::vector<std::uint8_t> row; // 1 where another row has the same identity; empty when none has
  std::size_t n_later = 0;       // rows whose identity stands in an earlier row
};

Repeats find_repeats(const std::uint64_t *identity, std::size_t size);

} // namespace rebalance
