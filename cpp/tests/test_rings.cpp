// Rings and their angular transform against direct sums in double precision.
#include <cmath>
#include <complex>
#include <cstdint>
#include <stdexcept>

#include "check.hpp"
#include "rebalance/aligned.hpp"
#include "rebalance/fft_plan.hpp"
#include "rebalance/kernels.hpp"
#include "rebalance/polar_rings.hpp"

using namespace rebalance;

namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr int kUnsupported = 77;

// The same small numbers on every platform, in [-1, 1).
class Draw {
public:
  float next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<float>(static_cast<double>(state_ >> 40) / 8388608.0 - 1.0);
  }

private:
  std::uint64_t state_ = 1;
};

std::size_t at(int i) {
  return static_cast<std::size_t>(i);
}

struct Rings {
  int n_rings, n_angles;
  FftTables fft;
  std::vector<int> every_ring;
  AlignedFloats samples; // [n_rings][n_angles][kLanes]

  Rings(int rings, int angles)
      : n_rings(rings), n_angles(angles), fft(angles), every_ring(at(angles / 2), 0) {
    Draw draw;
    samples.resize(at(n_rings * n_angles * kLanes));
    for (float &sample : samples)
      sample = draw.next();
  }
  RingShape shape() const {
    return {n_rings, n_angles, n_angles / 2, &fft.plan(), every_ring.data()};
  }
  double sample(int ring, int angle, int lane) const {
    return samples[at((ring * n_angles + angle % n_angles) * kLanes + lane)];
  }
};

// Coefficients from the kernels, [kLanes / width][n_freq][n_rings][2][width]: sum and difference of
// real and imaginary part.
struct Coefficients {
  const Rings &rings;
  AlignedFloats values;

  Coefficients(const Rings &of, const std::vector<float> &phase) : rings(of) {
    const Kernels &k = kernels();
    AlignedFloats work(at(2 * k.width * rings.n_angles));
    values.resize(at(rings.n_rings * rings.n_angles * kLanes));
    k.shift_rings(rings.shape(), rings.samples.data(), phase.data(), work.data(), values.data());
  }
  std::complex<double> get(int m, int ring, int lane) const {
    const int w = kernels().width, n_freq = rings.n_angles / 2;
    const int row = ((lane / w * n_freq + m) * rings.n_rings + ring) * 2 * w + lane % w;
    const double sum = values[at(row)], difference = values[at(row + w)];
    return {(sum + difference) / 2, (sum - difference) / 2};
  }
};

// Largest difference from sum over angles of s exp(-i m phi) / sqrt(n_angles); `sample(ring,
// angle, lane)` gives s.
template <class Sample> double largest_error(const Coefficients &found, const Sample &sample) {
  const Rings &rings = found.rings;
  const double scale = 1.0 / std::sqrt(rings.n_angles);
  double largest = 0.0;
  for (int ring = 0; ring < rings.n_rings; ++ring)
    for (int m = 0; m < rings.n_angles / 2; ++m)
      for (const int lane : {0, 3, 4, 9, kLanes - 1}) {
        std::complex<double> sum = 0.0;
        for (int a = 0; a < rings.n_angles; ++a)
          sum += sample(ring, a, lane) * std::polar(scale, -2.0 * kPi * m * a / rings.n_angles);
        largest = std::max(largest, std::abs(sum - found.get(m, ring, lane)));
      }
  return largest;
}

std::vector<float> constant_phase(const Rings &rings, double angle) {
  std::vector<float> phase;
  for (int p = 0; p < rings.n_rings * rings.n_angles / 2; ++p) {
    phase.push_back(static_cast<float>(std::cos(angle)));
    phase.push_back(static_cast<float>(std::sin(angle)));
  }
  return phase;
}

void angular_transform_is_the_direct_sum(int n_rings, int n_angles) {
  const Rings rings(n_rings, n_angles);
  const Coefficients found(rings, constant_phase(rings, 0.0));
  CHECK(largest_error(
            found, [&](int ring, int a, int lane) { return rings.sample(ring, a, lane); }) < 2e-6);
}

// Re F + Im F of F exp(-i angle) on the half circle that is stored first, Re F - Im F on the other.
void phase_turns_the_complex_samples(int n_rings, int n_angles) {
  const double angle = 0.7;
  const int half = n_angles / 2;
  const Rings rings(n_rings, n_angles);
  const Coefficients found(rings, constant_phase(rings, angle));
  CHECK(largest_error(found, [&](int ring, int a, int lane) {
          const double here = rings.sample(ring, a % half, lane);
          const double opposite = rings.sample(ring, a % half + half, lane);
          const std::complex<double> f(0.5 * (here + opposite), 0.5 * (here - opposite));
          const std::complex<double> turned = f * std::polar(1.0, -angle);
          return turned.real() + (a < half ? turned.imag() : -turned.imag());
        }) < 2e-6);
}

void plan_has_every_output_once(int length) {
  const FftTables tables(length);
  for (int n = 0; n < length; ++n)
    CHECK(tables.output_at()[at(tables.plan().position[n])] == n);
}

void impossible_lengths_are_refused() {
  for (const int length : {-4, 0, 1, 2, 5, 7, 22, 2 * 9 * 11})
    CHECK_THROWS(std::invalid_argument, FftTables{length});
}

constexpr int kBox = 13;

// Transform of an image at a polar point, by the direct sum.
std::complex<double> transform(const std::vector<float> &image, double radius, double phi) {
  std::complex<double> sum = 0.0;
  for (int y = 0; y < kBox; ++y)
    for (int x = 0; x < kBox; ++x) {
      const double along = (y - kBox / 2) * std::sin(phi) + (x - kBox / 2) * std::cos(phi);
      sum += double{image[at(y * kBox + x)]} * std::polar(1.0, -2.0 * kPi * radius * along);
    }
  return sum;
}

void polar_rings_are_the_direct_sum() {
  const RingGrid grid{0.05, 0.5, 5, 40};
  const std::vector<double> weight{1.0, 2.0, 3.0, 4.0, 5.0};
  Draw draw;
  std::vector<float> image(at(kBox * kBox));
  for (float &pixel : image)
    pixel = draw.next();
  Control control;
  // A mask of ones whose rim is one pixel that is zero: the image is compared as it is.
  const std::vector<float> mask(image.size(), 1.0f);
  std::vector<float> rim(image.size(), 0.0f);
  rim[5] = 1.0f;
  image[5] = 0.0f;
  const PolarRings rings(image.data(), 1, {mask.data(), rim.data(), kBox}, grid, weight, 1,
                         control);
  std::vector<double> expected;
  double norm = 0.0;
  for (int ring = 0; ring < grid.n_rings; ++ring) {
    double highest = 0.0;
    for (int a = 0; a < grid.n_angles; ++a) {
      const auto f = transform(image, grid.radius(ring), 2.0 * kPi * a / grid.n_angles);
      expected.push_back(std::sqrt(weight[at(ring)]) * (f.real() + f.imag()));
      norm += expected.back() * expected.back();
      highest += a % 2 ? -expected.back() : expected.back();
    }
    norm -= highest * highest / grid.n_angles;
  }
  double largest = 0.0;
  for (int ring = 0; ring < grid.n_rings; ++ring)
    for (int a = 0; a < grid.n_angles; ++a)
      largest =
          std::max(largest, std::abs(rings.sample(0, ring, a) -
                                     expected[at(ring * grid.n_angles + a)] / std::sqrt(norm)));
  CHECK(largest < 1e-6);
}

void impossible_grids_are_refused() {
  const std::vector<float> image(at(kBox * kBox), 0.0f), mask(at(kBox * kBox), 1.0f);
  const auto rings = [&](const RingGrid &grid, std::size_t n_weights) {
    Control control;
    const std::vector<double> weight(n_weights, 1.0);
    PolarRings(image.data(), 1, {mask.data(), mask.data(), kBox}, grid, weight, 1, control);
  };
  CHECK_THROWS(std::invalid_argument, rings({0.3, 0.2, 5, 40}, 5));
  CHECK_THROWS(std::invalid_argument, rings({0.1, 0.6, 5, 40}, 5));
  CHECK_THROWS(std::invalid_argument, rings({0.1, 0.2, 0, 40}, 0));
  CHECK_THROWS(std::invalid_argument, rings({0.1, 0.2, 5, 45}, 5));
  CHECK_THROWS(std::invalid_argument, rings({0.1, 0.2, 5, 40}, 4));
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
  for (const int n_angles : {4, 6, 8, 10, 12, 16, 18, 30, 50, 64, 90, 150, 288}) {
    plan_has_every_output_once(n_angles);
    for (const int n_rings : {1, 2, 5}) {
      angular_transform_is_the_direct_sum(n_rings, n_angles);
      phase_turns_the_complex_samples(n_rings, n_angles);
    }
  }
  impossible_lengths_are_refused();
  polar_rings_are_the_direct_sum();
  impossible_grids_are_refused();
  return check::result();
}
