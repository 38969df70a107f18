#include "rebalance/polar_rings.hpp"

#include <algorithm> // for min, max
#include <cmath>     // for cos, sin, exp, sqrt
#include <stdexcept> // for invalid_argument

namespace rebalance {

namespace {

constexpr double kPi = 3.14159265358979323846;

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

// Fourier transform of the kernel, by the midpoint rule; smooth and even, so that 200 points are
// exact to double precision but for the ends, where the kernel is below 1e-8.
double spreading_transform(double x) {
  constexpr int n = 400;
  const double step = 0.5 * kTaps / n;
  double sum = 0.0;
  for (int i = 0; i < n; ++i) {
    const double u = (i + 0.5) * step;
    sum += spreading(u) * std::cos(2.0 * kPi * x * u);
  }
  return 2.0 * step * sum;
}

// Tables shared by all images of one box and one grid.
class PolarTransform {
public:
  PolarTransform(int box, const RingGrid &grid);

  struct Work {
    AlignedFloats lanes, rows, products, grid_re, grid_im, re, im;
  };
  Work work() const;
  /// lanes of work -> re, im of work at the polar points of the half circle.
  void run(Work &work) const;
  int n_points() const { return n_points_; }

private:
  void fill_matrices();
  void fill_points(const RingGrid &grid);

  int box_;
  double step_;        // of the Cartesian grid, cycles/px
  int rows_, first_y_; // grid rows: first_y_ ... first_y_ + rows_ - 1
  int reach_;          // grid columns: -reach_ ... reach_
  int n_points_;
  std::vector<float> matrix_y_; // [2 rows][box]: cos, then -sin
  std::vector<float> matrix_x_; // [2 (reach + 1)][box]: cos, then sin
  std::vector<int> corner_;
  std::vector<float> weight_y_, weight_x_;
};

PolarTransform::PolarTransform(int box, const RingGrid &grid)
    : box_(box), step_(1.0 / (kOversampling * box)), n_points_(grid.n_rings * grid.n_angles / 2) {
  const int reach = static_cast<int>(std::ceil(grid.high / step_)) + kTaps / 2 + 1;
  reach_ = reach;
  first_y_ = -(kTaps / 2 + 1);
  rows_ = reach - first_y_ + 1;
  fill_matrices();
  fill_points(grid);
}

void PolarTransform::fill_matrices() {
  const auto box = static_cast<std::size_t>(box_);
  std::vector<double> correction(box);
  for (int i = 0; i < box_; ++i)
    correction[static_cast<std::size_t>(i)] = 1.0 / spreading_transform(step_ * (i - box_ / 2));
  const auto fill = [&](std::vector<float> &matrix, int first, int n, double sign) {
    matrix.resize(2 * static_cast<std::size_t>(n) * box);
    for (int r = 0; r < n; ++r)
      for (int i = 0; i < box_; ++i) {
        const auto at = static_cast<std::size_t>(r) * box + static_cast<std::size_t>(i);
        const double angle = 2.0 * kPi * step_ * (first + r) * (i - box_ / 2);
        const double scale = correction[static_cast<std::size_t>(i)];
        matrix[at] = static_cast<float>(scale * std::cos(angle));
        matrix[at + static_cast<std::size_t>(n) * box] =
            static_cast<float>(sign * scale * std::sin(angle));
      }
  };
  fill(matrix_y_, first_y_, rows_, -1.0);
  fill(matrix_x_, 0, reach_ + 1, 1.0);
}

void PolarTransform::fill_points(const RingGrid &grid) {
  const int half = grid.n_angles / 2;
  const auto weights = [](double at, std::vector<float> &table) {
    const int first = static_cast<int>(std::ceil(at - 0.5 * kTaps));
    for (int t = 0; t < kTaps; ++t)
      table.push_back(static_cast<float>(spreading(at - (first + t))));
    return first;
  };
  for (int ring = 0; ring < grid.n_rings; ++ring)
    for (int a = 0; a < half; ++a) {
      const double phi = 2.0 * kPi * a / grid.n_angles, radius = grid.radius(ring) / step_;
      const int y = weights(radius * std::sin(phi), weight_y_);
      const int x = weights(radius * std::cos(phi), weight_x_);
      corner_.push_back((y - first_y_) * (2 * reach_ + 1) + x + reach_);
    }
}

PolarTransform::Work PolarTransform::work() const {
  const auto lanes = static_cast<std::size_t>(kLanes);
  const auto box = static_cast<std::size_t>(box_), rows = static_cast<std::size_t>(rows_);
  const auto width = static_cast<std::size_t>(2 * reach_ + 1);
  const auto points = static_cast<std::size_t>(n_points_);
  Work w;
  w.lanes.resize(box * box * lanes);
  w.rows.resize(2 * rows * box * lanes);
  w.products.resize(4 * (static_cast<std::size_t>(reach_) + 1) * lanes);
  w.grid_re.resize(rows * width * lanes);
  w.grid_im.resize(rows * width * lanes);
  w.re.resize(points * lanes);
  w.im.resize(points * lanes);
  return w;
}

void PolarTransform::run(Work &w) const {
  const Kernels &k = kernels();
  const long row = static_cast<long>(box_) * kLanes, columns = reach_ + 1;
  for (int x = 0; x < box_; ++x)
    k.lane_product({matrix_y_.data(), 2 * rows_, box_, w.lanes.data() + x * kLanes, row,
                    w.rows.data() + x * kLanes, row});
  for (int y = 0; y < rows_; ++y) {
    float *re = w.products.data(), *im = re + 2 * columns * kLanes;
    k.lane_product({matrix_x_.data(), 2 * static_cast<int>(columns), box_, w.rows.data() + y * row,
                    kLanes, re, kLanes});
    k.lane_product({matrix_x_.data(), 2 * static_cast<int>(columns), box_,
                    w.rows.data() + (y + rows_) * row, kLanes, im, kLanes});
    // (a + ib) exp(-+ i angle) from a cos, a sin, b cos, b sin
    const long middle = (static_cast<long>(y) * (2 * reach_ + 1) + reach_) * kLanes;
    for (long x = 0; x < columns; ++x)
      for (long lane = 0; lane < kLanes; ++lane) {
        const long at = x * kLanes + lane;
        const float a_cos = re[at], a_sin = re[at + columns * kLanes];
        const float b_cos = im[at], b_sin = im[at + columns * kLanes];
        const auto right = static_cast<std::size_t>(middle + at);
        const auto left = static_cast<std::size_t>(middle - x * kLanes + lane);
        w.grid_re[left] = a_cos - b_sin;
        w.grid_im[left] = b_cos + a_sin;
        w.grid_re[right] = a_cos + b_sin;
        w.grid_im[right] = b_cos - a_sin;
      }
  }
  k.polar_gather({n_points_, kTaps, 2 * reach_ + 1, corner_.data(), weight_y_.data(),
                  weight_x_.data(), w.grid_re.data(), w.grid_im.data(), w.re.data(), w.im.data()});
}

void load_lanes(const float *images, std::int64_t first, std::int64_t n_images, int box,
                AlignedFloats &lanes) {
  const std::int64_t pixels = static_cast<std::int64_t>(box) * box;
  for (std::int64_t lane = 0; lane < kLanes; ++lane) {
    const float *image = images + (first + lane) * pixels;
    const bool there = first + lane < n_images;
    for (std::int64_t p = 0; p < pixels; ++p)
      lanes[static_cast<std::size_t>(p * kLanes + lane)] = there ? image[p] : 0.0f;
  }
}

// Unit norm over the angular frequencies that are used: all but the highest.
void normalise(float *samples, const RingGrid &grid) {
  double norm[kLanes] = {};
  for (int ring = 0; ring < grid.n_rings; ++ring) {
    double highest[kLanes] = {};
    for (int a = 0; a < grid.n_angles; ++a)
      for (int lane = 0; lane < kLanes; ++lane) {
        const double s = samples[(ring * grid.n_angles + a) * kLanes + lane];
        norm[lane] += s * s;
        highest[lane] += a % 2 ? -s : s;
      }
    for (int lane = 0; lane < kLanes; ++lane)
      norm[lane] -= highest[lane] * highest[lane] / grid.n_angles;
  }
  float scale[kLanes];
  for (int lane = 0; lane < kLanes; ++lane)
    scale[lane] = norm[lane] > 0.0 ? static_cast<float>(1.0 / std::sqrt(norm[lane])) : 0.0f;
  for (int p = 0; p < grid.n_rings * grid.n_angles; ++p)
    for (int lane = 0; lane < kLanes; ++lane)
      samples[p * kLanes + lane] *= scale[lane];
}

void check(int box, const RingGrid &grid, const std::vector<double> &weight) {
  if (box < 1)
    throw std::invalid_argument("images must have at least one pixel");
  if (!(grid.low >= 0.0 && grid.low < grid.high && grid.high <= 0.5))
    throw std::invalid_argument("band must satisfy 0 <= low < high <= 0.5 cycles/px");
  if (grid.n_rings < 1 || grid.n_angles < 4 || grid.n_angles % 2)
    throw std::invalid_argument("at least 1 ring and an even number of angles from 4 are needed");
  if (weight.size() != static_cast<std::size_t>(grid.n_rings))
    throw std::invalid_argument("one weight per ring is needed");
}

} // namespace

PolarRings::PolarRings(const float *images, std::int64_t n_images, int box, const RingGrid &grid,
                       const std::vector<double> &weight, int threads, Control &control)
    : n_images_(n_images), grid_(grid), fft_(grid.n_angles) {
  check(box, grid, weight);
  const PolarTransform transform(box, grid);
  samples_.resize(static_cast<std::size_t>(n_units() * unit_size()));
  const int half = grid.n_angles / 2;
  parallel_for(n_units(), threads, control, [&](std::int64_t unit) {
    PolarTransform::Work work = transform.work();
    load_lanes(images, unit * kLanes, n_images, box, work.lanes);
    transform.run(work);
    float *out = samples_.data() + unit * unit_size();
    for (int ring = 0; ring < grid.n_rings; ++ring) {
      const auto w = static_cast<float>(std::sqrt(weight[static_cast<std::size_t>(ring)]));
      for (int a = 0; a < half * kLanes; ++a) {
        const auto in = static_cast<std::size_t>(ring * half * kLanes + a);
        float *here = out + ring * grid.n_angles * kLanes + a;
        here[0] = w * (work.re[in] + work.im[in]);
        here[half * kLanes] = w * (work.re[in] - work.im[in]);
      }
    }
    normalise(out, grid);
  });
}

RingShape PolarRings::shape() const {
  return {grid_.n_rings, grid_.n_angles, grid_.n_angles / 2, &fft_.plan()};
}

std::int64_t PolarRings::unit_size() const {
  return static_cast<std::int64_t>(grid_.n_rings) * grid_.n_angles * kLanes;
}

const float *PolarRings::unit(std::int64_t unit) const {
  return samples_.data() + unit * unit_size();
}

float PolarRings::sample(std::int64_t image, int ring, int angle) const {
  return unit(image / kLanes)[(ring * grid_.n_angles + angle) * kLanes + image % kLanes];
}

} // namespace rebalance
