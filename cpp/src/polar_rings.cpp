#include "rebalance/polar_rings.hpp"

#include "rebalance/resampled.hpp"

#include <algorithm> // for copy, max, sort
#include <cmath>     // for cos, sin, exp, sqrt
#include <numeric>   // for iota
#include <stdexcept> // for invalid_argument
#include <utility>   // for pair

namespace rebalance {

namespace {

constexpr double kPi = 3.14159265358979323846;

// Of one image: so many that lanes of coefficients are still counted by 32-bit numbers.
constexpr std::int64_t kMostSamples = std::int64_t{1} << 26;

std::size_t size(std::int64_t n) {
  return static_cast<std::size_t>(n);
}

// The kernel that spreads Cartesian samples to polar points: exp(beta (sqrt(1 - u^2) - 1)), with
// a grid twice as fine as the box needs (Barnett, Magland & af Klinteberg 2019). Eight taps leave
// an error near 1e-7.
constexpr int kTaps = 8;
constexpr double kOversampling = 2.0;
constexpr double kBeta = 2.30 * kTaps;

double spreading(double u) {
  const double z = 2.0 * u / kTaps;
  return std::abs(z) >= 1.0 ? 0.0 : std::exp(kBeta * (std::sqrt(1.0 - z * z) - 1.0));
}

// Fourier transform of the kernel, by the midpoint rule: the kernel is smooth and ends near 1e-8.
double spreading_transform(double x) {
  constexpr int n = 64;
  const double step = 0.5 * kTaps / n;
  double sum = 0.0;
  for (int i = 0; i < n; ++i) {
    const double u = (i + 0.5) * step;
    sum += spreading(u) * std::cos(2.0 * kPi * x * u);
  }
  return 2.0 * step * sum;
}

// Pixels from the centre to the farthest that the mask lets through, along either axis.
int extent(const MaskView &mask) {
  const int centre = mask.box / 2;
  int farthest = 0;
  for (int y = 0; y < mask.box; ++y)
    for (int x = 0; x < mask.box; ++x)
      if (mask.mask[y * mask.box + x] != 0.0f)
        farthest = std::max({farthest, std::abs(y - centre), std::abs(x - centre)});
  return farthest;
}

/// From pixels to polar points of the transform, for kLanes images at once.
///
/// Sums over x and -x together, and likewise over y, split the transform into products with
/// cosines and sines, each over half of the pixels (c: cosine, s: sine; x first):
///   F(kx, ky)  = (cc - ss) - i (cs + sc),    F(-kx, ky) = (cc + ss) - i (cs - sc)
class PolarTransform {
public:
  PolarTransform(const MaskView &mask, const RingGrid &grid);

  struct Work {
    AlignedFloats pixels;           // [box][box]
    AlignedFloats even, odd;        // [reach + 1] of one row or column
    AlignedFloats cosine, sine;     // [n_freq][rows]: sums over x
    AlignedFloats cc, cs, sc, ss;   // [n_freq]: sums over y too
    AlignedFloats grid_re, grid_im; // [n_rows][width]
    AlignedFloats re, im;           // [n_points]
  };
  Work work() const;
  /// pixels of work -> re, im of work at the polar points of the half circle.
  void run(Work &work) const;
  int reach() const { return reach_; }

private:
  void fill_matrices();
  void fill_points(const RingGrid &grid);
  void sum_over_x(Work &work) const;
  void sum_over_y(Work &work, int kx) const;
  void fill_grid(Work &work, int kx) const;

  int box_, reach_; // pixels from the centre
  int rows_;        // 2 reach_ + 1
  double step_;     // of the Cartesian grid, cycles/px
  int n_freq_;      // grid frequencies from 0
  int width_;       // grid columns, 2 n_freq_ - 1: kx from -(n_freq_ - 1)
  int n_points_;
  std::vector<float> cosine_, sine_; // [n_freq_][reach_ + 1]
  std::vector<int> corner_;
  std::vector<float> weight_y_, weight_x_;
};

constexpr int kMargin = kTaps / 2 + 1; // grid rows below ky = 0

PolarTransform::PolarTransform(const MaskView &mask, const RingGrid &grid)
    : box_(mask.box), reach_(extent(mask)), rows_(2 * reach_ + 1),
      step_(1.0 / (kOversampling * rows_)),
      n_freq_(static_cast<int>(std::ceil(grid.high / step_)) + kMargin + 1),
      width_(2 * n_freq_ - 1), n_points_(grid.n_rings * grid.n_angles / 2) {
  fill_matrices();
  fill_points(grid);
}

void PolarTransform::fill_matrices() {
  std::vector<double> correction; // undoes the spreading
  for (int x = 0; x <= reach_; ++x)
    correction.push_back(1.0 / spreading_transform(step_ * x));
  for (int k = 0; k < n_freq_; ++k)
    for (int x = 0; x <= reach_; ++x) {
      const double angle = 2.0 * kPi * step_ * k * x, scale = correction[size(x)];
      cosine_.push_back(static_cast<float>(scale * std::cos(angle)));
      sine_.push_back(static_cast<float>(scale * std::sin(angle)));
    }
}

void PolarTransform::fill_points(const RingGrid &grid) {
  const auto weights = [](double at, std::vector<float> &table) {
    const int first = static_cast<int>(std::ceil(at - 0.5 * kTaps));
    for (int t = 0; t < kTaps; ++t)
      table.push_back(static_cast<float>(spreading(at - (first + t))));
    return first;
  };
  for (int ring = 0; ring < grid.n_rings; ++ring)
    for (int a = 0; a < grid.n_angles / 2; ++a) {
      const double phi = 2.0 * kPi * a / grid.n_angles, radius = grid.radius(ring) / step_;
      const int y = weights(radius * std::sin(phi), weight_y_);
      const int x = weights(radius * std::cos(phi), weight_x_);
      corner_.push_back((y + kMargin) * width_ + x + n_freq_ - 1);
    }
}

PolarTransform::Work PolarTransform::work() const {
  const auto lanes = [](std::int64_t n) { return AlignedFloats(size(n * kLanes)); };
  const std::int64_t half = reach_ + 1, grid = std::int64_t{n_freq_ + kMargin} * width_;
  return {lanes(std::int64_t{box_} * box_),
          lanes(half),
          lanes(half),
          lanes(std::int64_t{n_freq_} * rows_),
          lanes(std::int64_t{n_freq_} * rows_),
          lanes(n_freq_),
          lanes(n_freq_),
          lanes(n_freq_),
          lanes(n_freq_),
          lanes(grid),
          lanes(grid),
          lanes(n_points_),
          lanes(n_points_)};
}

// even[x] = line[x] + line[-x], odd[x] = line[x] - line[-x], of lanes; `line` points to x = 0.
void fold(const float *line, int reach, float *even, float *odd) {
  for (int lane = 0; lane < kLanes; ++lane) {
    even[lane] = line[lane];
    odd[lane] = 0.0f;
  }
  for (int x = 1; x <= reach; ++x)
    for (int lane = 0; lane < kLanes; ++lane) {
      const float plus = line[x * kLanes + lane], minus = line[-x * kLanes + lane];
      even[x * kLanes + lane] = plus + minus;
      odd[x * kLanes + lane] = plus - minus;
    }
}

void PolarTransform::sum_over_x(Work &w) const {
  const int centre = box_ / 2;
  for (int y = -reach_; y <= reach_; ++y) {
    // An even box has no pixel at +centre: the mask is zero at -centre then.
    const std::int64_t at = (std::int64_t{centre + y} * box_ + centre) * kLanes;
    fold(w.pixels.data() + at, reach_, w.even.data(), w.odd.data());
    const auto sum = [&](const std::vector<float> &matrix, const float *in, float *out) {
      kernels().lane_product({matrix.data(), n_freq_, reach_ + 1, in, kLanes,
                              out + (y + reach_) * kLanes, long{rows_} * kLanes});
    };
    sum(cosine_, w.even.data(), w.cosine.data());
    sum(sine_, w.odd.data(), w.sine.data());
  }
}

void PolarTransform::sum_over_y(Work &w, int kx) const {
  const auto sum = [&](const std::vector<float> &matrix, const AlignedFloats &in, float *out) {
    kernels().lane_product({matrix.data(), n_freq_, reach_ + 1, in.data(), kLanes, out, kLanes});
  };
  const std::int64_t middle = (std::int64_t{kx} * rows_ + reach_) * kLanes;
  fold(w.cosine.data() + middle, reach_, w.even.data(), w.odd.data());
  sum(cosine_, w.even, w.cc.data());
  sum(sine_, w.odd, w.cs.data());
  fold(w.sine.data() + middle, reach_, w.even.data(), w.odd.data());
  sum(cosine_, w.even, w.sc.data());
  sum(sine_, w.odd, w.ss.data());
}

// Columns kx and -kx of the grid; rows below ky = 0 are conjugates of the opposite ones.
void PolarTransform::fill_grid(Work &w, int kx) const {
  const auto at = [&](int y, int x) {
    return (std::int64_t{y + kMargin} * width_ + x + n_freq_ - 1) * kLanes;
  };
  for (int ky = 0; ky < n_freq_; ++ky) {
    float *right_re = w.grid_re.data() + at(ky, kx), *right_im = w.grid_im.data() + at(ky, kx);
    float *left_re = w.grid_re.data() + at(ky, -kx), *left_im = w.grid_im.data() + at(ky, -kx);
    const std::int64_t in = std::int64_t{ky} * kLanes;
    for (int lane = 0; lane < kLanes; ++lane) {
      const float cc = w.cc[size(in + lane)], cs = w.cs[size(in + lane)];
      const float sc = w.sc[size(in + lane)], ss = w.ss[size(in + lane)];
      left_re[lane] = cc + ss;
      left_im[lane] = sc - cs;
      right_re[lane] = cc - ss;
      right_im[lane] = -cs - sc;
    }
    if (ky == 0 || ky > kMargin)
      continue;
    float *below_left_re = w.grid_re.data() + at(-ky, -kx);
    float *below_left_im = w.grid_im.data() + at(-ky, -kx);
    float *below_right_re = w.grid_re.data() + at(-ky, kx);
    float *below_right_im = w.grid_im.data() + at(-ky, kx);
    for (int lane = 0; lane < kLanes; ++lane) {
      below_left_re[lane] = right_re[lane];
      below_left_im[lane] = -right_im[lane];
      below_right_re[lane] = left_re[lane];
      below_right_im[lane] = -left_im[lane];
    }
  }
}

void PolarTransform::run(Work &w) const {
  sum_over_x(w);
  for (int kx = 0; kx < n_freq_; ++kx) {
    sum_over_y(w, kx);
    fill_grid(w, kx);
  }
  kernels().polar_gather({n_points_, kTaps, width_, corner_.data(), weight_y_.data(),
                          weight_x_.data(), w.grid_re.data(), w.grid_im.data(), w.re.data(),
                          w.im.data()});
}

// A power of two that brings `largest` near 1: exact, and no grey scale over- or underflows.
float inverse_scale(float largest) {
  int exponent = 0;
  std::frexp(largest, &exponent);
  return std::ldexp(1.0f, std::min(-exponent, 126));
}

/// Images side by side, and which of the lanes hold one with contrast.
class LaneLoader {
public:
  LaneLoader(const float *images, const PolarRings &rings, std::int64_t unit, const MaskView &mask,
             int reach);
  /// Pixels under the mask, scaled to be near 1; the level is that of the rim.
  void load(AlignedFloats &lanes);
  bool has_contrast(int lane) const {
    return present_[lane] && contrast_[lane] > 1e-6f * largest_[lane] * scale_[lane];
  }

private:
  template <class Body> void each_pixel(const Body &body) const;
  void copy(AlignedFloats &lanes);

  const MaskView &mask_;
  int reach_;
  const float *image_[kLanes]; // lanes without image repeat the first
  bool present_[kLanes];
  double level_[kLanes] = {};
  float largest_[kLanes] = {}, contrast_[kLanes] = {}, scale_[kLanes] = {};
};

LaneLoader::LaneLoader(const float *images, const PolarRings &rings, std::int64_t unit,
                       const MaskView &mask, int reach)
    : mask_(mask), reach_(reach) {
  for (std::int64_t lane = 0; lane < kLanes; ++lane) {
    const std::int64_t slot = rings.first_slot(unit) + lane;
    present_[lane] = slot >= 0;
    image_[lane] = images + rings.image_at(std::max<std::int64_t>(slot, 0)) * mask.box * mask.box;
  }
}

// Calls body(pixel) for every pixel of the square around the mask.
template <class Body> void LaneLoader::each_pixel(const Body &body) const {
  const int centre = mask_.box / 2, first = std::max(centre - reach_, 0);
  const int end = std::min(centre + reach_ + 1, mask_.box);
  for (int y = first; y < end; ++y)
    for (int x = first; x < end; ++x)
      body(std::int64_t{y} * mask_.box + x);
}

void LaneLoader::copy(AlignedFloats &lanes) {
  double rim = 0.0;
  each_pixel([&](std::int64_t p) {
    float *out = lanes.data() + p * kLanes;
    for (int lane = 0; lane < kLanes; ++lane)
      out[lane] = image_[lane][p];
    for (int lane = 0; lane < kLanes; ++lane)
      largest_[lane] = std::max(largest_[lane], std::abs(out[lane]));
    if (mask_.rim[p] == 0.0f)
      return;
    rim += mask_.rim[p];
    for (int lane = 0; lane < kLanes; ++lane)
      level_[lane] += double{mask_.rim[p]} * out[lane];
  });
  for (double &level : level_)
    level /= rim;
}

void LaneLoader::load(AlignedFloats &lanes) {
  copy(lanes);
  float level[kLanes];
  for (int lane = 0; lane < kLanes; ++lane) {
    scale_[lane] = inverse_scale(largest_[lane]);
    level[lane] = static_cast<float>(level_[lane] * scale_[lane]);
  }
  each_pixel([&](std::int64_t p) {
    float *out = lanes.data() + p * kLanes;
    const float mask = mask_.mask[p];
    for (int lane = 0; lane < kLanes; ++lane) {
      out[lane] = mask * (out[lane] * scale_[lane] - level[lane]);
      contrast_[lane] = std::max(contrast_[lane], std::abs(out[lane]));
    }
  });
}

// s = Re F + Im F and, opposite, Re F - Im F, each ring weighted; then unit norm over the angular
// frequencies that are used: all but the highest.
void fill_samples(const PolarTransform::Work &work, const RingGrid &grid,
                  const std::vector<double> &weight, const LaneLoader &loader, float *samples) {
  const int half = grid.n_angles / 2;
  double norm[kLanes] = {};
  for (int ring = 0; ring < grid.n_rings; ++ring) {
    const auto w = static_cast<float>(std::sqrt(weight[size(ring)]));
    float sum[kLanes] = {}, highest[kLanes] = {};
    for (int a = 0; a < half; ++a) {
      const float *re = work.re.data() + (ring * half + a) * kLanes;
      const float *im = work.im.data() + (ring * half + a) * kLanes;
      float *here = samples + (ring * grid.n_angles + a) * kLanes;
      float *opposite = here + half * kLanes;
      const float sign = a % 2 ? -1.0f : 1.0f, sign_opposite = half % 2 ? -sign : sign;
      for (int lane = 0; lane < kLanes; ++lane) {
        here[lane] = w * (re[lane] + im[lane]);
        opposite[lane] = w * (re[lane] - im[lane]);
        sum[lane] += here[lane] * here[lane] + opposite[lane] * opposite[lane];
        highest[lane] += sign * here[lane] + sign_opposite * opposite[lane];
      }
    }
    for (int lane = 0; lane < kLanes; ++lane)
      norm[lane] += double{sum[lane]} - double{highest[lane]} * highest[lane] / grid.n_angles;
  }
  float scale[kLanes];
  for (int lane = 0; lane < kLanes; ++lane)
    scale[lane] = norm[lane] > 0.0 && loader.has_contrast(lane)
                      ? static_cast<float>(1.0 / std::sqrt(norm[lane]))
                      : 0.0f; // an image without contrast holds rounding errors only
  for (int p = 0; p < grid.n_rings * grid.n_angles; ++p)
    for (int lane = 0; lane < kLanes; ++lane)
      samples[p * kLanes + lane] *= scale[lane];
}

// Mean of f(pixel), summed in eight parts so that it does not take a chain of additions.
template <class F> double mean_of(const float *pixels, std::int64_t n, const F &f) {
  constexpr std::int64_t parts = 8;
  double sum[parts] = {};
  const std::int64_t whole = n - n % parts;
  for (std::int64_t p = 0; p < whole; p += parts)
    for (std::int64_t part = 0; part < parts; ++part)
      sum[part] += f(double{pixels[p + part]});
  for (std::int64_t p = whole; p < n; ++p)
    sum[0] += f(double{pixels[p]});
  double total = 0.0;
  for (const double part : sum)
    total += part;
  return total / static_cast<double>(n);
}

// Skewness of the pixels without its sign: a number that changes with the picture, but not with its
// grey scale, nor when black and white change places.
double skewness(const float *pixels, std::int64_t n) {
  const double mean = mean_of(pixels, n, [](double x) { return x; });
  const double square = mean_of(pixels, n, [&](double x) { return (x - mean) * (x - mean); });
  const double cube =
      mean_of(pixels, n, [&](double x) { return (x - mean) * (x - mean) * (x - mean); });
  return square > 0.0 ? std::abs(cube) / (square * std::sqrt(square)) : 0.0;
}

// Slot -> image, by rising skewness.
std::vector<std::int64_t> order_by_pixels(const float *images, std::int64_t n,
                                          std::int64_t pixels) {
  std::vector<std::pair<double, std::int64_t>> keys;
  for (std::int64_t i = 0; i < n; ++i)
    keys.emplace_back(skewness(images + i * pixels, pixels), i);
  std::sort(keys.begin(), keys.end());
  std::vector<std::int64_t> order;
  order.reserve(keys.size());
  for (const auto &key : keys)
    order.push_back(key.second);
  return order;
}

void check(const RingGrid &grid) {
  if (!(grid.low >= 0.0 && grid.low < grid.high && grid.high <= 0.5))
    throw std::invalid_argument("band must satisfy 0 <= low < high <= 0.5 cycles/px");
  if (grid.n_rings < 1 || grid.n_angles < 4 || grid.n_angles % 2)
    throw std::invalid_argument("at least 1 ring and an even number of angles from 4 are needed");
  if (std::int64_t{grid.n_rings} * grid.n_angles >= kMostSamples)
    throw std::invalid_argument("rings times angles must be below 2^26");
}

void check(const MaskView &mask, const RingGrid &grid, const std::vector<double> &weight) {
  if (mask.box < 1)
    throw std::invalid_argument("images must have at least one pixel");
  check(grid);
  if (weight.size() != size(grid.n_rings))
    throw std::invalid_argument("one weight per ring is needed");
}

} // namespace

PolarRings::PolarRings(const float *images, std::int64_t n_images, const MaskView &mask,
                       const RingGrid &grid, const std::vector<double> &weight, int threads,
                       Control &control)
    : n_images_(n_images), grid_(grid), mask_radius_(extent(mask)), fft_(grid.n_angles),
      image_at_(order_by_pixels(images, n_images, std::int64_t{mask.box} * mask.box)),
      every_ring_(size(grid.n_angles / 2), 0) {
  check(mask, grid, weight);
  const PolarTransform transform(mask, grid);
  samples_.resize(size(n_units() * unit_size()));
  parallel_for(n_units(), threads, control, [&](std::int64_t unit) {
    PolarTransform::Work work = transform.work();
    LaneLoader loader(images, *this, unit, mask, transform.reach());
    loader.load(work.pixels);
    transform.run(work);
    fill_samples(work, grid_, weight, loader, samples_.data() + unit * unit_size());
  });
}

PolarRings::PolarRings(const float *samples, std::int64_t n_units, std::int64_t n_images,
                       const RingGrid &grid, double mask_radius)
    : n_images_(n_images), grid_(grid), mask_radius_(mask_radius), fft_(grid.n_angles),
      every_ring_(size(grid.n_angles / 2), 0) {
  check(grid);
  if (n_images < 1 || n_units != this->n_units())
    throw std::invalid_argument("units must hold 16 images each, the first 1 to 16");
  image_at_.resize(size(n_images));
  std::iota(image_at_.begin(), image_at_.end(), std::int64_t{0});
  samples_.assign(samples, samples + n_units * unit_size());
}

PolarRings::PolarRings(const PolarRings &whole, int n_rings, int n_angles, int threads,
                       Control &control)
    : n_images_(whole.n_images_),
      grid_{whole.grid_.low, whole.grid_.low + n_rings * whole.grid_.spacing(), n_rings, n_angles},
      mask_radius_(whole.mask_radius_), fft_(n_angles), image_at_(whole.image_at_),
      every_ring_(size(n_angles / 2), 0) {
  if (n_rings < 1 || n_rings > whole.grid_.n_rings || n_angles % 2)
    throw std::invalid_argument("the lower part of a band must have 1 ring to all, and an even "
                                "number of angles");
  samples_.resize(size(n_units() * unit_size()));
  // A sum over fewer samples weighs each more.
  const double scale = std::sqrt(static_cast<double>(whole.grid_.n_angles) / n_angles);
  parallel_for(n_units(), threads, control, [&](std::int64_t unit) {
    float *out = samples_.data() + unit * unit_size();
    each_resampled(whole, unit, {0, n_rings}, fft_.plan(), scale,
                   [&](int ring, const float *samples) {
                     std::copy(samples, samples + n_angles * kLanes,
                               out + std::int64_t{ring} * n_angles * kLanes);
                   });
  });
}

namespace {

// Sums of squares, lane by lane.
void add_squares(const float *samples, std::int64_t n_samples, double *sum) {
  float part[kLanes] = {};
  for (std::int64_t p = 0; p < n_samples; ++p)
    for (int lane = 0; lane < kLanes; ++lane)
      part[lane] += samples[p * kLanes + lane] * samples[p * kLanes + lane];
  for (int lane = 0; lane < kLanes; ++lane)
    sum[lane] += part[lane];
}

} // namespace

std::vector<double> PolarRings::power() const {
  const std::int64_t per_ring = std::int64_t{grid_.n_angles} * kLanes;
  std::vector<double> power(size(grid_.n_rings));
  for (std::int64_t number = 0; number < n_units(); ++number)
    for (int ring = 0; ring < grid_.n_rings; ++ring) {
      double sum[kLanes] = {};
      add_squares(unit(number) + ring * per_ring, grid_.n_angles, sum);
      for (const double one : sum)
        power[size(ring)] += one;
    }
  return power;
}

std::vector<float> PolarRings::norms_above(int ring) const {
  std::vector<float> norms(size(n_images_));
  const std::int64_t below = std::int64_t{ring} * grid_.n_angles;
  for (std::int64_t number = 0; number < n_units(); ++number) {
    double sum[kLanes] = {};
    add_squares(unit(number) + below * kLanes, std::int64_t{grid_.n_rings} * grid_.n_angles - below,
                sum);
    for (std::int64_t lane = 0; lane < kLanes; ++lane)
      if (const std::int64_t slot = first_slot(number) + lane; slot >= 0)
        norms[size(slot)] = static_cast<float>(std::sqrt(sum[lane]));
  }
  return norms;
}

RingShape PolarRings::shape() const {
  return {grid_.n_rings, grid_.n_angles, grid_.n_angles / 2, &fft_.plan(), every_ring_.data()};
}

std::int64_t PolarRings::unit_size() const {
  return static_cast<std::int64_t>(grid_.n_rings) * grid_.n_angles * kLanes;
}

const float *PolarRings::unit(std::int64_t unit) const {
  return samples_.data() + unit * unit_size();
}

float PolarRings::sample(std::int64_t slot, int ring, int angle) const {
  const std::int64_t at = slot - first_slot(0);
  return unit(at / kLanes)[(ring * grid_.n_angles + angle) * kLanes + at % kLanes];
}

} // namespace rebalance
