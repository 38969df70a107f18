#include "rebalance/superclass_tree.hpp"

#include <algorithm> // for max
#include <cmath>     // for pow
#include <limits>    // for numeric_limits
#include <map>       // for map

namespace rebalance {

namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

std::size_t size(std::int64_t n) {
  return static_cast<std::size_t>(n);
}

// Groups that are left, each known by its lowest image. `bound` is no larger than the least cost of
// joining a group with a higher one, and equal to it where `nearest` is known (Muellner 2011).
class Groups {
public:
  Groups(const double *affinity, std::int64_t n, const std::vector<std::int32_t> &together,
         double damping);

  void join(std::int64_t a, std::int64_t b);
  // The two groups that join next; cost kNever where none may.
  Join next();

private:
  double cost(std::int64_t a, std::int64_t b) const;
  void look_for_nearest(std::int64_t a);

  std::int64_t n_;
  std::vector<double> sum_; // [n][n] of 1 - affinity over the pairs of two groups
  std::vector<std::int32_t> together_;
  std::vector<std::int64_t> count_; // images of a group; 0 where it is gone
  std::vector<double> power_;       // of every count
  std::vector<double> bound_;
  std::vector<std::int64_t> nearest_; // a higher group; -1: to be looked for
};

Groups::Groups(const double *affinity, std::int64_t n, const std::vector<std::int32_t> &together,
               double damping)
    : n_(n), sum_(size(n * n)), together_(together), count_(size(n), 1), power_(size(n + 1)),
      bound_(size(n), 0.0), nearest_(size(n), -1) {
  for (std::size_t p = 0; p < sum_.size(); ++p)
    sum_[p] = 1.0 - affinity[p];
  for (std::int64_t c = 0; c <= n; ++c)
    power_[size(c)] = std::pow(static_cast<double>(c), damping);
}

double Groups::cost(std::int64_t a, std::int64_t b) const {
  const std::int32_t mine = together_[size(a)], other = together_[size(b)];
  if (mine >= 0 && other >= 0 && mine != other)
    return kNever;
  const std::int64_t in_a = count_[size(a)], in_b = count_[size(b)];
  const double pairs = static_cast<double>(in_a * in_b);
  return sum_[size(a * n_ + b)] / pairs * power_[size(in_a)] * power_[size(in_b)] /
         power_[size(in_a + in_b)];
}

void Groups::look_for_nearest(std::int64_t a) {
  bound_[size(a)] = kNever;
  nearest_[size(a)] = a;
  for (std::int64_t b = a + 1; b < n_; ++b)
    if (count_[size(b)] > 0)
      if (const double c = cost(a, b); c < bound_[size(a)]) {
        bound_[size(a)] = c;
        nearest_[size(a)] = b;
      }
}

Join Groups::next() {
  for (;;) {
    std::int64_t least = 0;
    for (std::int64_t a = 1; a < n_; ++a)
      if (count_[size(a)] > 0 && bound_[size(a)] < bound_[size(least)])
        least = a;
    if (nearest_[size(least)] >= 0)
      return {static_cast<std::int32_t>(least), static_cast<std::int32_t>(nearest_[size(least)]),
              bound_[size(least)]};
    look_for_nearest(least);
  }
}

void Groups::join(std::int64_t a, std::int64_t b) {
  for (std::int64_t c = 0; c < n_; ++c)
    if (count_[size(c)] > 0 && c != a && c != b) {
      sum_[size(a * n_ + c)] += sum_[size(b * n_ + c)];
      sum_[size(c * n_ + a)] = sum_[size(a * n_ + c)];
    }
  count_[size(a)] += count_[size(b)];
  count_[size(b)] = 0;
  together_[size(a)] = std::max(together_[size(a)], together_[size(b)]);
  look_for_nearest(a);
  for (std::int64_t c = 0; c < b; ++c) {
    if (count_[size(c)] == 0 || c == a)
      continue;
    if (nearest_[size(c)] == a || nearest_[size(c)] == b)
      nearest_[size(c)] = -1;
    if (c < a)
      if (const double now = cost(c, a);
          now < bound_[size(c)] || (now == bound_[size(c)] && a < nearest_[size(c)])) {
        bound_[size(c)] = now;
        nearest_[size(c)] = a;
      }
  }
}

// First image of every number of `together`, and the others that it takes in.
std::vector<Join> forced_joins(const std::vector<std::int32_t> &together) {
  std::map<std::int32_t, std::int32_t> first;
  std::vector<Join> joins;
  for (std::size_t i = 0; i < together.size(); ++i) {
    const auto image = static_cast<std::int32_t>(i);
    if (together[i] < 0)
      continue;
    const auto [place, is_new] = first.emplace(together[i], image);
    if (!is_new)
      joins.push_back({place->second, image, -1.0});
  }
  return joins;
}

} // namespace

std::vector<Join> superclass_tree(const double *affinity, std::int64_t n,
                                  const std::vector<std::int32_t> &together, double damping) {
  Groups groups(affinity, n, together, damping);
  std::vector<Join> joins = forced_joins(together);
  for (const Join &forced : joins)
    groups.join(forced.stays, forced.goes);
  while (static_cast<std::int64_t>(joins.size()) < n - 1) {
    const Join found = groups.next();
    if (!(found.cost < kNever))
      break;
    groups.join(found.stays, found.goes);
    joins.push_back(found);
  }
  return joins;
}

} // namespace rebalance
