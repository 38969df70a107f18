#include "rebalance/draw.hpp"

#include <algorithm> // for nth_element, count, min
#include <cstring>   // for memcpy
#include <limits>
#include <stdexcept> // for invalid_argument
#include <string>    // for to_string

namespace rebalance {

namespace {

using Counts = std::vector<std::int64_t>;
using Value = std::uint64_t;

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

/// Where the draw cuts a group: smaller values stay, larger go, of equal ones `stay` of `tied`.
struct Cut {
  Value value;
  std::int64_t stay;
  std::int64_t tied;
};

/// Whole numbers in the falling order of finite or infinite `quality`.
Value place_of(double quality) {
  const double canonical = quality + 0.0; // one zero only
  Value bits;
  std::memcpy(&bits, &canonical, sizeof bits);
  constexpr Value kSign = Value{1} << 63;
  return ~((bits & kSign) ? ~bits : bits | kSign);
}

Value place_of(const Drawn &particles, std::int64_t i) {
  return particles.quality ? place_of(particles.quality[i]) : 0;
}

/// The cut of every group among those that an earlier one left tied, by another value:
/// give_values(add) calls add(group, value) for every one of them.
template <class GiveValues>
std::vector<Cut> find_cuts(const std::vector<Cut> &before, const GiveValues &give_values) {
  std::vector<std::int64_t> start(before.size() + 1, 0);
  for (std::size_t g = 0; g < before.size(); ++g)
    start[g + 1] = start[g] + (before[g].stay < before[g].tied ? before[g].tied : 0);
  std::vector<Value> values(at(start.back()));
  Counts next(start.begin(), start.end() - 1);
  give_values([&](std::size_t g, Value value) { values[at(next[g]++)] = value; });
  std::vector<Cut> cuts(before.size());
  for (std::size_t g = 0; g < before.size(); ++g) {
    const auto first = values.begin() + start[g], last = values.begin() + start[g + 1];
    if (first == last)
      continue;
    const auto cut = first + before[g].stay;
    std::nth_element(first, cut, last);
    const Value value = *cut;
    // Behind the cut nothing is smaller, before it nothing larger.
    const auto tied_before = std::count(first, cut, value);
    cuts[g] = {value, tied_before, tied_before + std::count(cut, last, value)};
  }
  return cuts;
}

std::vector<Cut> wanted(const std::int64_t *cap, const Counts &sizes) {
  std::vector<Cut> cuts(sizes.size());
  for (std::size_t g = 0; g < sizes.size(); ++g)
    cuts[g] = {0, cap[g] < 0 ? sizes[g] : std::min(cap[g], sizes[g]), sizes[g]};
  return cuts;
}

bool whole(const Cut &cut) {
  return cut.stay >= cut.tied;
}

} // namespace

Counts count_groups(const std::int32_t *group, std::int64_t n, std::int64_t n_groups,
                    const bool *keep) {
  Counts sizes(at(n_groups), 0);
  for (std::int64_t i = 0; i < n; ++i) {
    if (group[i] < -1 || group[i] >= n_groups)
      throw std::invalid_argument("particle " + std::to_string(i) + " has superclass " +
                                  std::to_string(group[i]) + ", which does not exist");
    if (group[i] >= 0)
      sizes[at(group[i])] += keep ? keep[i] : 1;
  }
  return sizes;
}

void draw(const Drawn &particles, const std::int64_t *cap, std::int64_t n_groups, bool *keep) {
  const std::int32_t *group = particles.group;
  const auto asked = wanted(cap, count_groups(group, particles.n, n_groups));
  const auto is_drawn = [&](std::int64_t i) {
    return group[i] >= 0 && !whole(asked[at(group[i])]);
  };
  const auto give_places = [&](const auto &add) {
    for (std::int64_t i = 0; i < particles.n; ++i)
      if (is_drawn(i))
        add(at(group[i]), place_of(particles, i));
  };
  const auto by_quality = particles.quality ? find_cuts(asked, give_places) : asked;
  auto by_key = find_cuts(by_quality, [&](const auto &add) {
    for (std::int64_t i = 0; i < particles.n; ++i)
      if (is_drawn(i))
        if (const Cut &cut = by_quality[at(group[i])];
            !whole(cut) && place_of(particles, i) == cut.value)
          add(at(group[i]), particles.key(i));
  });
  for (std::int64_t i = 0; i < particles.n; ++i) {
    keep[i] = true;
    if (!is_drawn(i))
      continue;
    const Cut &quality = by_quality[at(group[i])];
    const Value place = place_of(particles, i);
    if (place != quality.value || whole(quality)) {
      keep[i] = place <= quality.value;
      continue;
    }
    Cut &last = by_key[at(group[i])];
    const Value key = particles.key(i);
    keep[i] = key < last.value || (key == last.value && last.stay-- > 0);
  }
}

std::vector<std::uint64_t> smallest_keys(const Drawn &particles, std::int64_t n_groups) {
  std::vector<std::uint64_t> smallest(at(n_groups), std::numeric_limits<std::uint64_t>::max());
  count_groups(particles.group, particles.n, n_groups);
  for (std::int64_t i = 0; i < particles.n; ++i)
    if (particles.group[i] >= 0) {
      auto &least = smallest[at(particles.group[i])];
      least = std::min(least, particles.key(i));
    }
  return smallest;
}

} // namespace rebalance
