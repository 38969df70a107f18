#include "rebalance/scan.hpp"

#include <algorithm> // for fill, max, min
#include <cmath>     // for cos, sin
#include <complex>   // for polar
#include <stdexcept> // for invalid_argument

#include "rebalance/parallel.hpp"

namespace rebalance {

namespace {

constexpr double kPi = 3.14159265358979323846;

std::size_t size(std::int64_t n) {
  return static_cast<std::size_t>(n);
}

// cos and sin of 2 pi k . t for one shift: [n_rings][n_angles / 2][2]. Rings are evenly spaced, so
// that each phase is the one of the ring before, turned by a constant.
std::vector<float> shift_phase(const RingGrid &grid, const Shift &shift) {
  const int half = grid.n_angles / 2;
  std::vector<float> table(size(2L * grid.n_rings * half));
  for (int a = 0; a < half; ++a) {
    const double phi = 2.0 * kPi * a / grid.n_angles;
    const double turns = shift.x * std::cos(phi) + shift.y * std::sin(phi);
    std::complex<double> phase = std::polar(1.0, 2.0 * kPi * grid.radius(0) * turns);
    const std::complex<double> step = std::polar(1.0, 2.0 * kPi * grid.spacing() * turns);
    for (int ring = 0; ring < grid.n_rings; ++ring, phase *= step) {
      table[size(2L * (ring * half + a))] = static_cast<float>(phase.real());
      table[size(2L * (ring * half + a) + 1)] = static_cast<float>(phase.imag());
    }
  }
  return table;
}

std::int64_t lane_floats(const RingShape &s) {
  return static_cast<std::int64_t>(s.n_freq) * s.n_rings * 2 * kLanes;
}

// The share of an image's squared norm that products may leave out: by Cauchy-Schwarz no
// correlation changes by more than its square root, and in fact by far less, as the other image has
// as little there.
constexpr double kNegligible = 1e-10;

} // namespace

Scan::Scan(const PolarRings &rows, const PolarRings &lanes, const std::vector<Shift> &shifts,
           bool mirror, const std::vector<int> &first_rings, int threads, Control &control)
    : kernels_(kernels()), lanes_(lanes), control_(control), mirror_(mirror), shifts_(shifts),
      first_ring_(first_rings), shape_(lanes.shape()),
      block_size_(std::int64_t{shape_.n_freq} * shape_.n_rings * 2 * kernels_.block) {
  for (const Shift &shift : shifts)
    phases_.push_back(shift_phase(lanes.grid(), shift));
  fill_rows(rows, threads, control);
  if (first_ring_.empty())
    find_first_rings(rows.n_images());
  else if (first_ring_.size() != size(shape_.n_freq))
    throw std::invalid_argument("one first ring per angular frequency is needed");
  shape_.first_ring = first_ring_.data();
}

void Scan::fill_rows(const PolarRings &rows, int threads, Control &control) {
  const int block = kernels_.block;
  const std::int64_t per_image = block_size_ / block;
  data_.assign(size((rows.n_images() + block - 1) / block * block_size_), 0.0f);
  const std::vector<float> phase = shift_phase(rows.grid(), {0.0, 0.0});
  parallel_for(rows.n_units(), threads, control, [&](std::int64_t unit) {
    AlignedFloats work(size(2L * kernels_.width * shape_.n_angles));
    AlignedFloats lanes(size(lane_floats(shape_)));
    kernels_.shift_rings(shape_, rows.unit(unit), phase.data(), work.data(), lanes.data());
    const std::int64_t first = rows.first_slot(unit);
    for (std::int64_t i = std::max<std::int64_t>(first, 0); i < first + kLanes; ++i) {
      float *out = data_.data() + (i / block) * block_size_ + i % block;
      const std::int64_t lane = i - first, part = lane / kernels_.width;
      const float *in = lanes.data() + part * per_image * kernels_.width + lane % kernels_.width;
      for (std::int64_t p = 0; p < per_image; ++p)
        out[p * block] = in[p * kernels_.width];
    }
  });
}

// Per angular frequency the first ring that matters: a ring of radius k holds no more than
// frequencies up to 2 pi k R, R the radius of the mask.
void Scan::find_first_rings(std::int64_t n_images) {
  const int block = kernels_.block;
  first_ring_.assign(size(shape_.n_freq), 0);
  for (int m = 0; m < shape_.n_freq; ++m) {
    double left_out = 0.0;
    int &ring = first_ring_[size(m)];
    for (; ring < shape_.n_rings; ++ring) {
      float most = 0.0f; // twice the squared norm, of sums and differences
      for (std::int64_t i = 0; i < n_images; ++i) {
        const float *at = image(i) + (std::int64_t{m} * shape_.n_rings + ring) * 2 * block;
        most = std::max(most, at[0] * at[0] + at[block] * at[block]);
      }
      left_out += most;
      if (left_out > kNegligible / shape_.n_freq)
        break;
    }
  }
}

// Blocks of images i for which the coefficients of the images j are read once: several, where these
// are too large to stay in a core's cache beside all else (64 rings of 256 angles: 1.1 us per pair
// one by one, 0.9 us four at once); one, where they do stay (24 of 160: 4 % faster).
std::int64_t Scan::blocks_at_once() const {
  constexpr std::int64_t cached = 512 * 1024; // bytes
  return lane_floats(shape_) * static_cast<std::int64_t>(sizeof(float)) > cached ? 4 : 1;
}

Scan::Found Scan::run(std::int64_t unit, std::int64_t first_block, std::int64_t n_blocks,
                      bool each_shift) const {
  PairBest none;
  for (PairBest::Row &row : none.row) {
    std::fill(&row.value[0][0], &row.value[0][0] + kKept * kLanes, -2.0f);
    std::fill(&row.code[0][0], &row.code[0][0] + kKept * kLanes, 0);
  }
  Found found;
  found.scan_ = this;
  found.n_blocks_ = n_blocks;
  found.best_.assign(size(n_blocks * (each_shift ? n_shifts() : 1)), none);
  AlignedFloats lanes(size(lane_floats(shape_)));
  const std::int64_t at_once = blocks_at_once();
  AlignedFloats work(size(pair_stride(shape_.n_angles, kernels_.width) * block() * at_once));
  for (int t = 0; t < n_shifts() && !control_.stop; ++t) {
    kernels_.shift_rings(shape_, lanes_.unit(unit), phases_[size(t)].data(), work.data(),
                         lanes.data());
    PairBest *best = &found.best_[size(each_shift ? t * n_blocks : 0)];
    for (std::int64_t b = 0; b < n_blocks && !control_.stop; b += at_once) {
      const auto n = static_cast<int>(std::min(at_once, n_blocks - b));
      kernels_.pairs({&shape_, n, block_at(first_block + b), lanes.data(), mirror_,
                      t * shape_.n_angles, work.data(), best + b});
    }
    control_.done += n_blocks;
  }
  return found;
}

GridPoint Scan::Found::best(std::int64_t row, std::int64_t lane) const {
  const PairBest::Row &kept = at(0, row);
  int best = 0;
  for (int n = 1; n < kKept; ++n) {
    const float value = kept.value[n][lane], highest = kept.value[best][lane];
    if (value > highest || (value == highest && kept.code[n][lane] < kept.code[best][lane]))
      best = n;
  }
  const int code = kept.code[best][lane], shift = code / scan_->n_angles();
  return {shift, scan_->angle(shift, code), best >= kSectors, kept.value[best][lane]};
}

} // namespace rebalance
