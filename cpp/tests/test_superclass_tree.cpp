// Joins and sharpened values where both can be worked out by hand.
#include <cmath>
#include <vector>

#include "check.hpp"
#include "rebalance/sharpen.hpp"
#include "rebalance/superclass_tree.hpp"

namespace {

using rebalance::Join;

// Affinity of images at these places on a line.
std::vector<double> affinity_of(const std::vector<double> &places) {
  std::vector<double> affinity;
  for (const double a : places)
    for (const double b : places)
      affinity.push_back(1.0 - std::abs(a - b));
  return affinity;
}

bool is(const Join &join, std::int32_t stays, std::int32_t goes, double cost) {
  return join.stays == stays && join.goes == goes && std::abs(join.cost - cost) < 1e-12;
}

void near_images_join_first() {
  const auto affinity = affinity_of({0.0, 0.5, 0.1, 0.8});
  const auto joins = rebalance::superclass_tree(affinity.data(), 4, {-1, -1, -1, -1}, 0.0);
  CHECK(joins.size() == 3 && is(joins[0], 0, 2, 0.1) && is(joins[1], 1, 3, 0.3) &&
        is(joins[2], 0, 1, 0.6));
}

void damping_holds_large_groups_back() {
  const auto affinity = affinity_of({0.0, 0.02, 0.3, 0.32, 0.65});
  const std::vector<std::int32_t> free(5, -1);
  const auto plain = rebalance::superclass_tree(affinity.data(), 5, free, 0.0);
  CHECK(plain[2].stays == 0 && plain[2].goes == 2); // two pairs, 0.3 apart
  const auto damped = rebalance::superclass_tree(affinity.data(), 5, free, 1.0);
  CHECK(damped[2].stays == 2 && damped[2].goes == 4); // a pair and one image, 0.34 apart
}

void images_are_kept_together_and_apart() {
  const auto affinity = affinity_of({0.0, 0.1, 0.2, 0.9, 1.0});
  const auto joins = rebalance::superclass_tree(affinity.data(), 5, {0, 1, -1, 0, -1}, 0.0);
  CHECK(joins.size() == 3 && is(joins[0], 0, 3, -1.0)); // the two numbers never join
  for (const Join &join : joins)
    CHECK(!(join.stays == 0 && join.goes == 1));
}

void ties_go_to_the_lowest_images() {
  const std::vector<double> ones(9, 1.0);
  const auto joins = rebalance::superclass_tree(ones.data(), 3, {-1, -1, -1}, 0.5);
  CHECK(joins.size() == 2 && is(joins[0], 0, 1, 0.0) && is(joins[1], 0, 2, 0.0));
}

void sums_of_two_images_are_compared() {
  // Twice the median of {0.4, 0.6, 0.6}, the distances to the second nearest, is 1.2.
  const std::vector<double> affinity{1.0, 0.8, 0.6, 0.8, 1.0, 0.4, 0.6, 0.4, 1.0};
  const auto sharp = rebalance::sharpen(affinity.data(), 3, {1, 2.0});
  const double w = std::exp(-0.2 / 1.2), v = std::exp(-0.4 / 1.2);
  // image 0 + w image 1 with image 2 + v image 0
  const double both = 0.6 + v + w * (0.4 + 0.8 * v);
  const double norms = (1.0 + w * w + 1.6 * w) * (1.0 + v * v + 1.2 * v);
  CHECK(std::abs(sharp[2] - both / std::sqrt(norms)) < 1e-12);
  CHECK(sharp[2] == sharp[6] && sharp[0] == 1.0 && sharp[4] == 1.0);
}

void one_image_stays_one() {
  const double one = 1.0;
  CHECK(rebalance::sharpen(&one, 1, {}) == std::vector<double>{1.0});
  CHECK(rebalance::superclass_tree(&one, 1, {-1}, 0.0).empty());
}

} // namespace

int main() {
  near_images_join_first();
  damping_holds_large_groups_back();
  images_are_kept_together_and_apart();
  ties_go_to_the_lowest_images();
  sums_of_two_images_are_compared();
  one_image_stays_one();
  return check::result();
}
