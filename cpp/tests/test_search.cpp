// The search: known transforms, any number of images and threads, stopping.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <stdexcept>

#include "check.hpp"
#include "rebalance/pair_search.hpp"

using namespace rebalance;

namespace {

constexpr int kUnsupported = 77;
constexpr int kBox = 15, kCentre = kBox / 2;

std::size_t size(std::int64_t n) {
  return static_cast<std::size_t>(n);
}

using Image = std::vector<float>;

// Everything is compared; the level is that of the first pixel, where nothing is.
const Image kOnes(size(kBox *kBox), 1.0f);
const Image kFirst = [] {
  Image image(size(kBox * kBox));
  image[0] = 1.0f;
  return image;
}();
const MaskView kWholeBox{kOnes.data(), kFirst.data(), kBox};

float &pixel(Image &image, int y, int x) {
  return image[size((y + kCentre) * kBox + x + kCentre)];
}

// Blobs within 3 px of the centre; `seed` moves them.
Image blobs(int seed) {
  Image image(size(kBox * kBox));
  for (int y = -kCentre; y <= kCentre; ++y)
    for (int x = -kCentre; x <= kCentre; ++x)
      for (int b = 0; b < 4; ++b) {
        const double by = 3.0 * std::sin(1.7 * b + seed),
                     bx = 3.0 * std::cos(2.9 * b * b + seed * b);
        pixel(image, y, x) += static_cast<float>(
            std::exp(-0.4 * ((y - by) * (y - by) + (x - bx) * (x - bx))) / (b + 1));
      }
  return image;
}

// Mirror (x -> -x), turn by 90 degrees (+x goes to +y), shift: exact on pixels.
Image laid(Image &image, bool mirror, bool turn, int shift_y, int shift_x) {
  Image out(image.size());
  for (int y = -kCentre; y <= kCentre; ++y)
    for (int x = -kCentre; x <= kCentre; ++x) {
      const int mx = mirror ? -x : x;
      const int ty = (turn ? mx : y) + shift_y, tx = (turn ? -y : mx) + shift_x;
      if (std::abs(ty) <= kCentre && std::abs(tx) <= kCentre)
        pixel(out, ty, tx) = pixel(image, y, x);
    }
  return out;
}

struct Found {
  std::int64_t n;
  std::vector<float> value, angle, shift;
  std::unique_ptr<bool[]> mirror;

  std::size_t at(std::int64_t i, std::int64_t j) const { return size(i * n + j); }
};

Found search(const std::vector<Image> &images, const PairSearch &asked, int n_rings, int n_angles) {
  std::vector<float> pixels;
  for (const Image &image : images)
    pixels.insert(pixels.end(), image.begin(), image.end());
  const auto n = static_cast<std::int64_t>(images.size());
  Control control;
  const std::vector<double> weight(size(n_rings), 1.0);
  const PolarRings rings(pixels.data(), n, kWholeBox, {0.05, 0.35, n_rings, n_angles}, weight,
                         asked.threads, control);
  Found found{n, {}, {}, {}, std::make_unique<bool[]>(size(n * n))};
  found.value.resize(size(n * n));
  found.angle.resize(size(n * n));
  found.shift.resize(size(2 * n * n));
  search_pairs(rings, asked,
               {found.value.data(), found.angle.data(), found.shift.data(), found.mirror.get()},
               control);
  CHECK(control.done == control.total);
  return found;
}

PairSearch grid(int reach) {
  PairSearch asked;
  for (int y = -reach; y <= reach; ++y)
    for (int x = -reach; x <= reach; ++x)
      asked.shifts.push_back({static_cast<double>(y), static_cast<double>(x)});
  asked.max_shift = 1.5 * reach;
  asked.max_step = 1.0;
  return asked;
}

void exact_transforms_are_found() {
  for (const bool mirror : {false, true})
    for (const bool turn : {false, true}) {
      Image image = blobs(1);
      const Found found = search({laid(image, mirror, turn, 2, -1), image}, grid(2), 6, 40);
      const std::size_t on = found.at(0, 1);
      CHECK(found.value[on] > 0.99f);
      CHECK(std::abs(found.angle[on] - (turn ? 90.0f : 0.0f)) < 0.5f);
      CHECK(std::abs(found.shift[2 * on] - 2.0f) < 0.05f);
      CHECK(std::abs(found.shift[2 * on + 1] + 1.0f) < 0.05f);
      CHECK(found.mirror[on] == mirror);
    }
}

std::vector<Image> many(int n) {
  std::vector<Image> images;
  for (int i = 0; i < n; ++i)
    images.push_back(blobs(i));
  return images;
}

void any_number_of_images(int n_rings, int n_angles) {
  for (const int n : {1, 2, 16, 17, 35}) {
    const Found found = search(many(n), grid(1), n_rings, n_angles);
    for (int i = 0; i < n; ++i) {
      CHECK(found.value[found.at(i, i)] == 1.0f);
      for (int j = 0; j < n; ++j) {
        const float value = found.value[found.at(i, j)];
        CHECK(value >= 0.0f && value <= 1.0f && value == found.value[found.at(j, i)]);
      }
    }
  }
}

void same_bits_for_any_number_of_threads() {
  PairSearch asked = grid(1);
  const Found one = search(many(35), asked, 5, 30);
  for (const int threads : {2, 3, 7}) {
    asked.threads = threads;
    const Found found = search(many(35), asked, 5, 30);
    CHECK(found.value == one.value && found.angle == one.angle && found.shift == one.shift);
    CHECK(std::equal(one.mirror.get(), one.mirror.get() + one.value.size(), found.mirror.get()));
  }
}

PolarRings rings_of(const std::vector<Image> &images) {
  std::vector<float> pixels;
  for (const Image &image : images)
    pixels.insert(pixels.end(), image.begin(), image.end());
  Control control;
  return {pixels.data(),   static_cast<std::int64_t>(images.size()),
          kWholeBox,       {0.05, 0.35, 5, 30},
          {1, 1, 1, 1, 1}, 1,
          control};
}

struct Arrays {
  std::vector<float> value, angle, shift;
  std::unique_ptr<bool[]> mirror;

  explicit Arrays(int n)
      : value(size(n)), angle(size(n)), shift(size(2 * n)),
        mirror(std::make_unique<bool[]>(size(n))) {}
  PairResult result() { return {value.data(), angle.data(), shift.data(), mirror.get()}; }
};

void nearest_are_the_best_of_all() {
  constexpr int n = 35, top = 4;
  const Found all = search(many(n), grid(1), 5, 30);
  for (const int threads : {1, 2, 3}) {
    PairSearch asked = grid(1);
    asked.threads = threads;
    std::vector<std::int32_t> neighbour(size(n * top));
    Arrays arrays(n * top);
    Control control;
    search_nearest(rings_of(many(n)), asked, {top, neighbour.data(), arrays.result()}, control);
    for (int i = 0; i < n; ++i) {
      const auto row = all.value.begin() + i * n;
      for (int t = 0; t < top; ++t) {
        const std::size_t at = size(i * top + t);
        const float value = arrays.value[at];
        CHECK(value == row[neighbour[at]] && neighbour[at] != i);
        CHECK(arrays.angle[at] == all.angle[all.at(i, neighbour[at])]);
        // Itself, and the t nearer ones.
        CHECK(std::count_if(row, row + n, [&](float other) { return other > value; }) <= t + 1);
      }
    }
  }
}

void between_is_a_corner_of_all() {
  constexpr int n_rows = 18, n_lanes = 17;
  const std::vector<Image> images = many(n_rows + n_lanes);
  const Found all = search(images, grid(1), 5, 30);
  Arrays arrays(n_rows * n_lanes);
  Control control;
  const auto middle = images.begin() + n_rows;
  search_between(rings_of({images.begin(), middle}), rings_of({middle, images.end()}), grid(1),
                 arrays.result(), nullptr, control);
  CHECK(control.done == control.total);
  // Among all, the image in the later slot of a pair is the one that is moved; here it is the lane.
  const PolarRings rings = rings_of(images);
  std::vector<int> slot(images.size());
  for (int s = 0; s < n_rows + n_lanes; ++s)
    slot[size(static_cast<int>(rings.image_at(s)))] = s;
  for (int i = 0; i < n_rows; ++i)
    for (int j = 0; j < n_lanes; ++j)
      if (slot[size(n_rows + j)] > slot[size(i)])
        CHECK(std::abs(arrays.value[size(i * n_lanes + j)] - all.value[all.at(i, n_rows + j)]) <
              1e-5f);
}

void refining_never_lowers() {
  PairSearch asked = grid(1);
  const Found refined = search(many(20), asked, 5, 30);
  asked.max_step = 0.0;
  const Found coarse = search(many(20), asked, 5, 30);
  for (std::size_t p = 0; p < coarse.value.size(); ++p)
    CHECK(refined.value[p] >= coarse.value[p] - 1e-6f);
}

void stop_leaves_the_search() {
  const Image image = blobs(0);
  Control control;
  const PolarRings rings(image.data(), 1, kWholeBox, {0.05, 0.35, 2, 8}, {1.0, 1.0}, 1, control);
  float value = 0.0f, angle = 0.0f, shift[2] = {};
  bool mirror = false;
  control.stop = true;
  CHECK_THROWS(Stopped, search_pairs(rings, grid(1), {&value, &angle, shift, &mirror}, control));
}

bool kernels_run() {
  try {
    return kernels().width > 0;
  } catch (const std::invalid_argument &) {
    return false;
  }
}

} // namespace

int main() {
  if (!kernels_run())
    return kUnsupported;
  exact_transforms_are_found();
  for (const int n_angles : {4, 8, 18, 30})
    for (const int n_rings : {1, 2, 5})
      any_number_of_images(n_rings, n_angles);
  same_bits_for_any_number_of_threads();
  nearest_are_the_best_of_all();
  between_is_a_corner_of_all();
  refining_never_lowers();
  stop_leaves_the_search();
  return check::result();
}
