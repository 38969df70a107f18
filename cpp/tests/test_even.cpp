// The even draw: vessels filled by hand, and particles spread over averages and micrographs.
#include <array>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "rebalance/even.hpp"

using rebalance::Vessel;

namespace {

std::vector<std::int64_t> filled(std::vector<Vessel> vessels, std::int64_t total) {
  rebalance::fill_evenly(vessels, total);
  std::vector<std::int64_t> taken;
  for (const Vessel &vessel : vessels)
    taken.push_back(vessel.taken);
  return taken;
}

void vessels_fill_from_the_lowest() {
  using Taken = std::vector<std::int64_t>;
  CHECK(filled({}, 0).empty());
  CHECK(filled({{0, 5, 1}, {3, 5, 2}}, 3) == Taken{3, 0});
  CHECK(filled({{0, 5, 1}, {3, 5, 2}}, 5) == Taken{4, 1});
  CHECK(filled({{0, 5, 2}, {3, 5, 1}}, 4) == Taken{3, 1}); // the smaller tie first
  CHECK(filled({{0, 2, 1}, {3, 5, 2}}, 5) == Taken{2, 3}); // no more than the room
  CHECK(filled({{7, 2, 1}, {9, 0, 2}}, 2) == Taken{2, 0});
}

// Superclass 0: 8 particles of averages 0 (6 of them) and 1 (2), two from each micrograph.
// Superclass 1: one particle; the last has none.
constexpr int kParticles = 10;
constexpr std::array<std::int32_t, kParticles> kGroup{0, 0, 0, 0, 0, 0, 0, 0, 1, -1};
constexpr std::array<std::int32_t, kParticles> kAverage{0, 0, 0, 0, 0, 0, 1, 1, 1, 0};
constexpr std::array<std::int32_t, kParticles> kMicrograph{0, 0, 1, 1, 2, 2, 3, 3, 0, 0};

std::array<bool, kParticles> drawn(const std::vector<std::int64_t> &cap,
                                   std::int64_t n_micrographs = 4) {
  std::array<bool, kParticles> keep{};
  const rebalance::Drawn particles{kGroup.data(), nullptr, nullptr, kParticles, 3};
  const rebalance::Sources sources{kAverage.data(), kMicrograph.data(), 2, n_micrographs};
  rebalance::draw_evenly(particles, sources, 1, cap.data(), static_cast<std::int64_t>(cap.size()),
                         keep.data());
  return keep;
}

void what_stays_is_spread() {
  const auto keep = drawn({5, -1});
  CHECK(keep[6] && keep[7]); // the scarce average whole
  for (std::size_t first = 0; first < 6; first += 2)
    CHECK(keep[first] != keep[first + 1]); // one of each micrograph
  CHECK(keep[8] && keep[9]);
}

void a_cap_above_the_size_drops_nothing() {
  for (const bool stays : drawn({8, 1}))
    CHECK(stays);
}

void what_does_not_fit_is_refused() {
  CHECK_THROWS(std::invalid_argument, drawn({5, -1}, 3));
  CHECK_THROWS(std::invalid_argument, drawn({5}));
}

} // namespace

int main() {
  vessels_fill_from_the_lowest();
  what_stays_is_spread();
  a_cap_above_the_size_drops_nothing();
  what_does_not_fit_is_refused();
  return check::result();
}
