// Identities, keys and the draw. The numbers were computed once and never change: they decide
// which particles every user keeps.
#include <algorithm> // for min
#include <array>
#include <stdexcept>

#include "check.hpp"
#include "rebalance/draw.hpp"

using rebalance::draw_key;
using rebalance::identity_of;

namespace {

void keys_are_those_written_down() {
  CHECK(rebalance::mixed(1) == 0x5692161D100B05E5u);
  CHECK(identity_of("") == 0xF52A15E9A9B5E89Bu);
  CHECK(identity_of("000001@mic.mrcs") == 0x4F730DDBC14D425Au);
  CHECK(draw_key(0, 0) == 0xA706DD2F4D197E6Fu);
  CHECK(draw_key(1, 0) == 0x08B4FDA8C892B50Eu);
  CHECK(draw_key(0xFFFFFFFFFFFFFFFFu, 0x7FFFFFFFFFFFFFFFu) == 0xCD97F2D652FDFBB4u);
}

// Particle 0 has no group, 1 to 4 belong to group 0, 5 and 6 to group 1, 7 to group 2.
constexpr int kParticles = 8;
constexpr std::array<std::int32_t, kParticles> kGroup{-1, 0, 0, 0, 0, 1, 1, 2};
constexpr std::array<std::uint64_t, kParticles> kIdentity{10, 11, 12, 13, 14, 15, 16, 17};

std::array<bool, kParticles> drawn(const std::vector<std::int64_t> &cap,
                                   const std::array<std::uint64_t, kParticles> &identity) {
  std::array<bool, kParticles> keep{};
  const rebalance::Drawn particles{kGroup.data(), identity.data(), nullptr, kParticles, 3};
  rebalance::draw(particles, cap.data(), static_cast<std::int64_t>(cap.size()), keep.data());
  return keep;
}

void smallest_keys_stay() {
  const auto keep = drawn({2, -1, 1}, kIdentity);
  CHECK(keep[0] && keep[5] && keep[6] && keep[7]);
  std::uint64_t largest_kept = 0, smallest_dropped = ~std::uint64_t{0};
  int kept = 0;
  for (std::size_t i = 1; i <= 4; ++i) {
    const std::uint64_t key = draw_key(kIdentity[i], 3);
    kept += keep[i];
    if (keep[i] && key > largest_kept)
      largest_kept = key;
    if (!keep[i] && key < smallest_dropped)
      smallest_dropped = key;
  }
  CHECK(kept == 2);
  CHECK(largest_kept < smallest_dropped);
}

void equal_keys_go_by_index() {
  std::array<std::uint64_t, kParticles> same{};
  const auto keep = drawn({3, 0, 0}, same);
  CHECK(keep[1] && keep[2] && keep[3] && !keep[4]);
  CHECK(!keep[5] && !keep[6] && !keep[7]);
}

void the_largest_quality_stays() {
  constexpr std::array<double, kParticles> quality{0, -1, 3, 0, -0.0, 2, 5, 0};
  std::array<bool, kParticles> keep{};
  const std::array<std::int64_t, 3> cap{2, 1, 1};
  const rebalance::Drawn particles{kGroup.data(), nullptr, quality.data(), kParticles, 3};
  rebalance::draw(particles, cap.data(), 3, keep.data());
  CHECK(!keep[1] && keep[2] && !keep[5] && keep[6]);
  CHECK(keep[3] == (draw_key(3, 3) < draw_key(4, 3))); // both zeros are one
  CHECK(keep[3] != keep[4]);
}

void the_smallest_key_of_every_group_is_found() {
  const rebalance::Drawn particles{kGroup.data(), nullptr, nullptr, kParticles, 3};
  const auto keys = rebalance::smallest_keys(particles, 4);
  CHECK(keys[2] == draw_key(7, 3));
  CHECK(keys[1] == std::min(draw_key(5, 3), draw_key(6, 3)));
  CHECK(keys[3] == ~std::uint64_t{0});
}

void unknown_group_is_refused() {
  CHECK_THROWS(std::invalid_argument, drawn({2, -1}, kIdentity));
}

} // namespace

int main() {
  keys_are_those_written_down();
  smallest_keys_stay();
  equal_keys_go_by_index();
  the_largest_quality_stays();
  the_smallest_key_of_every_group_is_found();
  unknown_group_is_refused();
  return check::result();
}
