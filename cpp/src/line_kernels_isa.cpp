// The inner loops of the common-line search. Compiled once per instruction set, as
// kernels_isa.cpp; no C++ library header may be included here (see kernels.hpp).
#include "rebalance/line_kernels.hpp"

namespace rebalance {
namespace REBALANCE_ISA {

namespace {

constexpr int W = REBALANCE_WIDTH;
typedef float V __attribute__((vector_size(4 * W), may_alias));

inline V load(const float *p) {
  return *reinterpret_cast<const V *>(p);
}
inline V splat(float x) {
  return x - V{};
}
inline V larger(V a, V b) {
  return a > b ? a : b;
}

constexpr int kTile = 2; // vectors of rays of i at a time
static_assert(kRays % (kTile * W) == 0, "rays fill whole tiles");

// Agreement of one ray of j, over all shifts, with kTile * W rays of i and with their opposites.
inline void one_ray(const LinePair &p, int ray, int first, V *direct, V *opposite) {
  for (int t = 0; t < kTile; ++t)
    direct[t] = opposite[t] = splat(-1e30f);
  const float *a = p.shifted + 2L * p.n_rings * p.n_shifts * ray;
  for (int s = 0; s < p.n_shifts; ++s, a += 2L * p.n_rings) {
    V re[kTile] = {}, im[kTile] = {};
    for (int k = 0; k < p.n_rings; ++k) {
      const float *b = p.rays + 2L * kRays * k + first;
      const V a_re = splat(a[2 * k]), a_im = splat(a[2 * k + 1]);
      for (int t = 0; t < kTile; ++t) {
        re[t] += a_re * load(b + t * W);
        im[t] += a_im * load(b + kRays + t * W);
      }
    }
    for (int t = 0; t < kTile; ++t) {
      direct[t] = larger(direct[t], re[t] + im[t]);
      opposite[t] = larger(opposite[t], re[t] - im[t]);
    }
  }
}

void line_table(const LinePair &p) {
  alignas(64) float best[2 * kRays]; // of a cell of j, with the rays of i on the full circle
  for (int cell = 0; cell < kHalfCells; ++cell) {
    for (int first = 0; first < kRays; first += kTile * W) {
      V found[2][2][kTile];
      for (int r = 0; r < 2; ++r)
        one_ray(p, 2 * cell + r, first, found[r][0], found[r][1]);
      for (int side = 0; side < 2; ++side)
        for (int t = 0; t < kTile; ++t) {
          const V value = larger(found[0][side][t], found[1][side][t]);
          *reinterpret_cast<V *>(best + side * kRays + first + t * W) = value;
        }
    }
    float *out = p.cells + cell * kCells;
    for (int c = 0; c < kCells; ++c)
      out[c] = best[2 * c] > best[2 * c + 1] ? best[2 * c] : best[2 * c + 1];
  }
}

// More tables than the sums of their bytes have room for are added up in parts.
constexpr int kMostBytes = 256;

// A function of its own, as gcc takes two rows at a time else, and then byte by byte.
__attribute__((noinline)) void add_row(const uint8_t *row, uint16_t *whole) {
  for (int c = 0; c < kCells; ++c)
    whole[c] = static_cast<uint16_t>(whole[c] + row[c]);
}

int first_of_largest(const float *sum) {
  V top = load(sum);
  for (int c = W; c < kCells; c += W)
    top = larger(top, load(sum + c));
  float most = top[0];
  for (int lane = 1; lane < W; ++lane)
    most = top[lane] > most ? top[lane] : most;
  int c = 0;
  while (sum[c] != most)
    ++c;
  return c;
}

void sum_votes(const LineVotes &v) {
  float sum[kCells] __attribute__((aligned(64))) = {};
  int32_t next = 0;
  for (int l = 0; l < v.n_lines; ++l) {
    const float weight = 1.0f / static_cast<float>(v.end[l] - next);
    while (next < v.end[l]) {
      const int32_t end = v.end[l] - next > kMostBytes ? next + kMostBytes : v.end[l];
      uint16_t whole[kCells] __attribute__((aligned(64))) = {};
      for (; next < end; ++next)
        add_row(v.tables + v.offset[next], whole);
      for (int c = 0; c < kCells; ++c)
        sum[c] += weight * static_cast<float>(whole[c]);
    }
  }
  *v.turn = first_of_largest(sum);
  *v.most = sum[*v.turn];
}

constexpr float kPi = 3.14159265358979323846f;
constexpr float kLeastSine = 0.17f; // below, a vote is mostly the error of the lines

/// arccos to 7e-5 radians (Abramowitz & Stegun 4.4.45).
inline float arccos(float x) {
  const float a = x < 0 ? -x : x, rest = 1 - a > 0 ? 1 - a : 0;
  const float angle =
      __builtin_sqrtf(rest) * (1.5707288f + a * (-0.2121144f + a * (0.0742610f - 0.0187293f * a)));
  return x < 0 ? kPi - angle : angle;
}

void ask_third(const ThirdImages &t) {
  for (int64_t k = 0; k < t.n; ++k) {
    const float cos_a = t.ij[0] * t.ik[0][k] + t.ij[1] * t.ik[1][k];
    const float sin_a = t.ij[1] * t.ik[0][k] - t.ij[0] * t.ik[1][k];
    const float cos_b = t.ji[0] * t.jk[0][k] + t.ji[1] * t.jk[1][k];
    const float sin_b = t.ji[1] * t.jk[0][k] - t.ji[0] * t.jk[1][k];
    const float cos_c = t.ki[0][k] * t.kj[0][k] + t.ki[1][k] * t.kj[1][k];
    const float below = sin_a * sin_b, above = cos_c - cos_a * cos_b;
    const bool known = (sin_a > kLeastSine || sin_a < -kLeastSine) &&
                       (sin_b > kLeastSine || sin_b < -kLeastSine) &&
                       above * above <= below * below;
    const float angle = arccos(above / (known ? below : 1.0f));
    t.vote[k] = known ? angle : -1.0f;
  }
}

} // namespace

extern const LineKernels line_table_kernels;
const LineKernels line_table_kernels = {line_table, sum_votes, ask_third};

} // namespace REBALANCE_ISA
} // namespace rebalance
