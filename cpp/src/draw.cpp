#include "rebalance/draw.hpp"

#include <algorithm> // for nth_element, fill
#include <stdexcept> // for invalid_argument
#include <string>    // for to_string
#include <utility>   // for pair

namespace rebalance {

namespace {

std::vector<std::int64_t> count(const std::int32_t *group, std::int64_t n, std::int64_t n_groups) {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(n_groups), 0);
  for (std::int64_t i = 0; i < n; ++i) {
    if (group[i] < -1 || group[i] >= n_groups)
      throw std::invalid_argument("particle " + std::to_string(i) + " has superclass " +
                                  std::to_string(group[i]) + ", which does not exist");
    if (group[i] >= 0)
      ++sizes[static_cast<std::size_t>(group[i])];
  }
  return sizes;
}

} // namespace

void draw(const std::vector<std::int64_t> &cap, const std::int32_t *group,
          const std::uint64_t *identity, std::int64_t n, std::uint64_t seed, bool *keep) {
  const auto n_groups = static_cast<std::int64_t>(cap.size());
  const std::vector<std::int64_t> sizes = count(group, n, n_groups);
  std::fill(keep, keep + n, true);
  using Keyed = std::pair<std::uint64_t, std::int64_t>;
  std::vector<std::vector<Keyed>> drawn(cap.size());
  for (std::size_t g = 0; g < cap.size(); ++g)
    if (cap[g] >= 0 && sizes[g] > cap[g])
      drawn[g].reserve(static_cast<std::size_t>(sizes[g]));
  for (std::int64_t i = 0; i < n; ++i)
    if (group[i] >= 0)
      if (auto &list = drawn[static_cast<std::size_t>(group[i])]; list.capacity() > 0)
        list.emplace_back(draw_key(identity[i], seed), i);
  for (std::size_t g = 0; g < cap.size(); ++g) {
    if (drawn[g].empty())
      continue;
    const auto last = drawn[g].begin() + static_cast<std::ptrdiff_t>(cap[g]);
    std::nth_element(drawn[g].begin(), last, drawn[g].end());
    for (auto dropped = last; dropped != drawn[g].end(); ++dropped)
      keep[dropped->second] = false;
  }
}

} // namespace rebalance
