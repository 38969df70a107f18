#include "rebalance/nearest.hpp"

#include <algorithm> // for sort, upper_bound, min

#include "rebalance/parallel.hpp"

namespace rebalance {

namespace {

std::size_t size(std::int64_t n) {
  return static_cast<std::size_t>(n);
}

bool nearer(const Neighbour &a, const Neighbour &b) {
  const float value_a = a.transform.value, value_b = b.transform.value;
  return value_a != value_b ? value_a > value_b : a.image < b.image;
}

} // namespace

Nearest::Nearest(std::int64_t n_images, std::int64_t top, int threads)
    : top_(size(top)), kept_(size(threads), std::vector<std::vector<Neighbour>>(size(n_images))) {}

void Nearest::offer(std::int64_t image, const Neighbour &neighbour) {
  std::vector<Neighbour> &kept = kept_[size(thread_index())][size(image)];
  if (kept.size() == top_) {
    if (!nearer(neighbour, kept.back()))
      return;
    kept.pop_back();
  }
  kept.insert(std::upper_bound(kept.begin(), kept.end(), neighbour, nearer), neighbour);
}

std::vector<Neighbour> Nearest::of(std::int64_t image) const {
  std::vector<Neighbour> all;
  for (const auto &kept : kept_)
    all.insert(all.end(), kept[size(image)].begin(), kept[size(image)].end());
  std::sort(all.begin(), all.end(), nearer);
  all.resize(std::min(all.size(), top_));
  return all;
}

} // namespace rebalance
