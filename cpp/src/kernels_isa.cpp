// The inner loops. Compiled once per instruction set: REBALANCE_ISA names it, REBALANCE_WIDTH is
// the number of floats per vector and REBALANCE_BLOCK the images i per call of the pair kernel.
// No C++ library header may be included here (see kernels.hpp).
#include "rebalance/kernels.hpp"

namespace rebalance {
namespace REBALANCE_ISA {

namespace {

constexpr int W = REBALANCE_WIDTH;
constexpr int B = REBALANCE_BLOCK;
typedef float V __attribute__((vector_size(4 * W), may_alias));
typedef int32_t I __attribute__((vector_size(4 * W), may_alias));

inline V load(const float *p) {
  return *reinterpret_cast<const V *>(p);
}
inline void store(float *p, V v) {
  *reinterpret_cast<V *>(p) = v;
}

struct C { // complex lanes
  V re, im;
};
inline C operator+(C a, C b) {
  return {a.re + b.re, a.im + b.im};
}
inline C operator-(C a, C b) {
  return {a.re - b.re, a.im - b.im};
}
inline C operator*(C a, C b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
inline C turned(C a, const float *cs) {
  return {a.re * cs[0] - a.im * cs[1], a.re * cs[1] + a.im * cs[0]};
}
inline C times_i(C a) {
  return {-a.im, a.re};
}
inline C load_c(const float *p) {
  return {load(p), load(p + W)};
}
inline void store_c(float *p, C a) {
  store(p, a.re);
  store(p + W, a.im);
}

// ---- Fourier transform: decimation in frequency, in place, sign +, outputs left where they fall

template <int R> inline void butterfly(C *x);

template <> inline void butterfly<2>(C *x) {
  const C a = x[0];
  x[0] = a + x[1];
  x[1] = a - x[1];
}
template <> inline void butterfly<3>(C *x) {
  constexpr float s = 0.86602540378443864676f;
  const C sum = x[1] + x[2], diff = x[1] - x[2];
  const C mid = {x[0].re - 0.5f * sum.re, x[0].im - 0.5f * sum.im};
  const C side = {-s * diff.im, s * diff.re};
  x[0] = x[0] + sum;
  x[1] = mid + side;
  x[2] = mid - side;
}
template <> inline void butterfly<4>(C *x) {
  const C a = x[0] + x[2], b = x[0] - x[2], c = x[1] + x[3], d = times_i(x[1] - x[3]);
  x[0] = a + c;
  x[1] = b + d;
  x[2] = a - c;
  x[3] = b - d;
}
template <> inline void butterfly<5>(C *x) {
  constexpr float c1 = 0.30901699437494742410f, c2 = -0.80901699437494742410f;
  constexpr float s1 = 0.95105651629515357212f, s2 = 0.58778525229247312917f;
  const C p = x[1] + x[4], q = x[2] + x[3], u = x[1] - x[4], v = x[2] - x[3];
  const C a = {x[0].re + c1 * p.re + c2 * q.re, x[0].im + c1 * p.im + c2 * q.im};
  const C b = {x[0].re + c2 * p.re + c1 * q.re, x[0].im + c2 * p.im + c1 * q.im};
  const C d = {-(s1 * u.im + s2 * v.im), s1 * u.re + s2 * v.re};
  const C e = {-(s2 * u.im - s1 * v.im), s2 * u.re - s1 * v.re};
  x[0] = x[0] + p + q;
  x[1] = a + d;
  x[2] = b + e;
  x[3] = b - e;
  x[4] = a - d;
}

template <> inline void butterfly<8>(C *x) {
  constexpr float r = 0.70710678118654752440f;
  C even[4] = {x[0] + x[4], x[1] + x[5], x[2] + x[6], x[3] + x[7]};
  const C b = x[1] - x[5], d = x[3] - x[7];
  C odd[4] = {x[0] - x[4],
              {r * (b.re - b.im), r * (b.re + b.im)},
              times_i(x[2] - x[6]),
              {-r * (d.re + d.im), r * (d.re - d.im)}};
  butterfly<4>(even);
  butterfly<4>(odd);
  for (int p = 0; p < 4; ++p) {
    x[2 * p] = even[p];
    x[2 * p + 1] = odd[p];
  }
}

template <int R> void fft_stage(float *data, int length, int n, const float *twiddle) {
  const int part = n / R;
  for (int start = 0; start < length; start += n)
    for (int j = 0; j < part; ++j) {
      float *at = data + 2 * W * (start + j);
      C x[R];
      for (int q = 0; q < R; ++q)
        x[q] = load_c(at + 2 * W * q * part);
      butterfly<R>(x);
      store_c(at, x[0]);
      const float *t = twiddle + 2 * (R - 1) * j;
      for (int p = 1; p < R; ++p)
        store_c(at + 2 * W * p * part, turned(x[p], t + 2 * (p - 1)));
    }
}

// Calls body with the radix as a constant.
template <int R> struct Radix {
  static constexpr int value = R;
};
template <class Body> inline void with_radix(int radix, const Body &body) {
  switch (radix) {
  case 2:
    return body(Radix<2>());
  case 3:
    return body(Radix<3>());
  case 4:
    return body(Radix<4>());
  case 5:
    return body(Radix<5>());
  case 8:
    return body(Radix<8>());
  default:
    __builtin_trap(); // fft_plan.cpp makes no other
  }
}

// Stages `first` to before `end`.
void fft_stages(float *data, const FftPlan &plan, int first, int end) {
  int n = plan.length;
  for (int s = 0; s < end; ++s) {
    if (s >= first)
      with_radix(plan.radix[s], [&](auto radix) {
        fft_stage<decltype(radix)::value>(data, plan.length, n, plan.twiddle[s]);
      });
    n /= plan.radix[s];
  }
}
void fft(float *data, const FftPlan &plan) {
  fft_stages(data, plan, 0, plan.n_stages);
}

// ---- Cartesian samples of the transform, and polar points of them

constexpr int kRowsAtOnce = 8;

template <int ROWS> void lane_product_rows(const LaneProduct &p, int row, int lane) {
  V sum[ROWS] = {};
  for (int q = 0; q < p.n_in; ++q) {
    const V in = load(p.in + q * p.in_stride + lane);
    for (int r = 0; r < ROWS; ++r)
      sum[r] += in * p.matrix[(row + r) * p.n_in + q];
  }
  for (int r = 0; r < ROWS; ++r)
    store(p.out + (row + r) * p.out_stride + lane, sum[r]);
}

void lane_product(const LaneProduct &p) {
  for (int lane = 0; lane < kLanes; lane += W) {
    int row = 0;
    for (; row + kRowsAtOnce <= p.n_out; row += kRowsAtOnce)
      lane_product_rows<kRowsAtOnce>(p, row, lane);
    for (; row < p.n_out; ++row)
      lane_product_rows<1>(p, row, lane);
  }
}

void polar_gather(const PolarGather &g) {
  for (int point = 0; point < g.n_points; ++point)
    for (int lane = 0; lane < kLanes; lane += W) {
      V re{}, im{};
      for (int y = 0; y < g.taps; ++y) {
        const long at = (g.corner[point] + static_cast<long>(y) * g.width) * kLanes + lane;
        V row_re{}, row_im{};
        for (int x = 0; x < g.taps; ++x) {
          const float weight = g.weight_x[point * g.taps + x];
          row_re += load(g.grid_re + at + x * kLanes) * weight;
          row_im += load(g.grid_im + at + x * kLanes) * weight;
        }
        re += row_re * g.weight_y[point * g.taps + y];
        im += row_im * g.weight_y[point * g.taps + y];
      }
      store(g.re + static_cast<long>(point) * kLanes + lane, re);
      store(g.im + static_cast<long>(point) * kLanes + lane, im);
    }
}

// ---- Shifted rings and their angular transform

// Coefficients of two real rings out of the transform of ring + i * next ring. Of each the sum and
// the difference of real and imaginary part are kept: products of these need no sums of their own.
struct RingPair {
  C first, second;
};
inline C sum_and_difference(C a) {
  return {a.re + a.im, a.re - a.im};
}
inline RingPair split(const float *data, const FftPlan &plan, int m, float scale) {
  const int negative = m == 0 ? 0 : plan.length - m;
  const C plus = load_c(data + 2 * W * plan.position[m]);
  const C minus = load_c(data + 2 * W * plan.position[negative]);
  const C first = {(minus.re + plus.re) * scale, (minus.im - plus.im) * scale};
  const C second = {(minus.im + plus.im) * scale, (plus.re - minus.re) * scale};
  return {sum_and_difference(first), sum_and_difference(second)};
}

// Translation by t multiplies the transform by exp(-i a), a = 2 pi k . t; of the sum of real and
// imaginary part that a ring holds, s, this makes s(phi) cos a - s(phi + pi) sin a.
struct Half {
  V here, opposite;
};
inline Half shifted(const float *here, const float *opposite, float cos_a, float sin_a) {
  const V s = load(here), o = load(opposite);
  return {s * cos_a - o * sin_a, o * cos_a + s * sin_a};
}

// Rings of kLanes images, shifted, and their angular transform: W lanes from `polar` on.
// out: [n_freq][n_rings][2][W], but nothing where ring < shape.first_ring[m].
void shift_lanes(const RingShape &shape, const float *polar, const float *phase, float *work,
                 float *out) {
  const int half = shape.n_angles / 2, n_rings = shape.n_rings;
  const float scale = 0.5f / __builtin_sqrtf(static_cast<float>(shape.n_angles));
  for (int k = 0; k < n_rings; k += 2) {
    const bool paired = k + 1 < n_rings;
    for (int part = 0; part < 2; ++part) // ring k: real part, ring k + 1: imaginary part
      for (int a = 0; a < half; ++a) {
        Half s = {};
        if (k + part < n_rings) {
          const float *at = polar + (static_cast<long>(k + part) * shape.n_angles + a) * kLanes;
          const float *cs = phase + 2L * ((k + part) * half + a);
          s = shifted(at, at + half * kLanes, cs[0], cs[1]);
        }
        store(work + 2 * W * a + W * part, s.here);
        store(work + 2 * W * (a + half) + W * part, s.opposite);
      }
    fft(work, *shape.fft);
    for (int m = 0; m < shape.n_freq; ++m) {
      if (k + 1 < shape.first_ring[m])
        continue;
      const RingPair rings = split(work, *shape.fft, m, scale);
      float *at = out + 2 * W * (m * n_rings + k);
      store_c(at, rings.first);
      if (paired)
        store_c(at + 2 * W, rings.second);
    }
  }
}

void shift_rings(const RingShape &shape, const float *polar, const float *phase, float *work,
                 float *out) {
  for (int lane = 0; lane < kLanes; lane += W, out += 2 * W * shape.n_freq * shape.n_rings)
    shift_lanes(shape, polar + lane, phase, work, out);
}

// ---- All pairs: products over rings, transform over angular frequency, running maximum

// The four real products of one angular frequency, summed over rings, for N images i.
// With coefficients x + iy of i and u + iv of j, direct and mirrored correlation have (x + iy)(u -
// iv) and (x + iy)(u + iv); both correlations are real and fit one complex transform, as real and
// as imaginary part. Its coefficients are products of x + y and x - y with u + v and u - v. (A
// recursive struct and not an array: its members stay in registers.)
template <int N> struct Products {
  C positive{}, negative{};
  Products<N - 1> rest;

  inline void add(V sum, V difference, const float *i_sum, const float *i_difference) {
    positive.re += difference * *i_difference;
    positive.im += difference * *i_sum;
    negative.re += sum * *i_sum;
    negative.im += sum * *i_difference;
    rest.add(sum, difference, i_sum + 1, i_difference + 1);
  }
  inline void store_to(float *at_positive, float *at_negative, long stride) const {
    store_c(at_negative, negative);
    store_c(at_positive, positive);
    rest.store_to(at_positive + stride, at_negative + stride, stride);
  }
};
template <> struct Products<0> {
  inline void add(V, V, const float *, const float *) {}
  inline void store_to(float *, float *, long) const {}
};

// Coefficients of angular frequency m and -m for all B images i.
void products(const PairBlock &p, const float *lanes, int m, float *positive, float *negative,
              long stride) {
  const int n_rings = p.rings->n_rings;
  const float *row = p.rows + static_cast<long>(m) * n_rings * 2 * B;
  const float *lane = lanes + static_cast<long>(m) * n_rings * 2 * W;
  Products<B> sum;
  for (int k = p.rings->first_ring[m]; k < n_rings; ++k)
    sum.add(load(lane + 2 * W * k), load(lane + 2 * W * k + W), row + 2 * B * k,
            row + 2 * B * k + B);
  sum.store_to(positive, negative, stride);
}

// Inputs of the butterflies j and part - j of the first stage (part = length / radix): the
// frequencies m of one are the -m of the other, so the products of both are made together and
// never leave the innermost cache. inputs: [2][B][R] complex.
template <int R>
void first_inputs(const PairBlock &p, const float *lanes, int j, int part, float *inputs) {
  const int length = part * R, half = length / 2;
  const int other = j == 0 ? 0 : part - j;
  const auto at = [&](int n) { // where input n of the transform stands
    return inputs + 2 * W * ((n % part == j ? 0 : B * R) + n / part);
  };
  for (int side = 0; side < (other == j ? 1 : 2); ++side)
    for (int m = side == 0 ? j : other; m < length; m += part) {
      if (m == half) // the highest frequency is not used
        for (int i = 0; i < B; ++i)
          store_c(at(m) + 2 * W * R * i, C{V{}, V{}});
      if (m < half)
        products(p, lanes, m, at(m), at(m == 0 ? 0 : length - m), 2 * W * R);
    }
}

template <int R>
void first_butterflies(const float *inputs, int j, int part, const float *twiddle, float *work,
                       long stride) {
  for (int i = 0; i < B; ++i) {
    C x[R];
    for (int q = 0; q < R; ++q)
      x[q] = load_c(inputs + 2 * W * (R * i + q));
    butterfly<R>(x);
    float *out = work + i * stride + 2 * W * j;
    store_c(out, x[0]);
    for (int q = 1; q < R; ++q)
      store_c(out + 2 * W * q * part, turned(x[q], twiddle + 2 * ((R - 1) * j + q - 1)));
  }
}

// Block number b of a call for several.
inline PairBlock block_of(PairBlock p, int b, long stride) {
  p.rows += b * p.rings->n_freq * static_cast<long>(p.rings->n_rings) * 2 * B;
  p.work += b * B * stride;
  p.best += b;
  return p;
}

// Products and first stage of the transform, for all images i. The coefficients of the images j
// that one butterfly needs are used for every block before the next ones are read.
template <int R> void first_stage(const PairBlock &p, const float *lanes, long stride) {
  alignas(64) float inputs[2 * B * R * 2 * W];
  const FftPlan &plan = *p.rings->fft;
  const int part = plan.length / R;
  for (int j = 0; 2 * j <= part; ++j)
    for (int b = 0; b < p.n_blocks; ++b) {
      const PairBlock block = block_of(p, b, stride);
      first_inputs<R>(block, lanes, j, part, inputs);
      first_butterflies<R>(inputs, j, part, plan.twiddle[0], block.work, stride);
      if (j != 0 && 2 * j != part)
        first_butterflies<R>(inputs + 2 * W * B * R, part - j, part, plan.twiddle[0], block.work,
                             stride);
    }
}

struct Best {
  V value;
  I code;
};
inline void take(Best &best, V value, I code) {
  const I better = value > best.value;
  best.value = better ? value : best.value;
  best.code = better ? code : best.code;
}
// The last stage of the transform is never stored: only its maxima are wanted. Its outputs lie
// evenly round the circle, the first half of them in the first sector.
template <int R, bool MIRROR>
void last_stage(const float *data, int length, int32_t first_code, Best *best) {
  Best kept[kKept] = {best[0], best[1], best[2], best[3]};
  for (int start = 0; start < length; start += R) {
    C x[R];
    for (int q = 0; q < R; ++q)
      x[q] = load_c(data + 2 * W * (start + q));
    butterfly<R>(x);
    const I code = first_code + start - I{};
    for (int q = 0; q < R; ++q) {
      const int sector = 2 * q < R ? 0 : 1;
      take(kept[sector], x[q].re, code + q);
      if (MIRROR)
        take(kept[kSectors + sector], x[q].im, code + q);
    }
  }
  for (int n = 0; n < kKept; ++n)
    best[n] = kept[n];
}

void maxima(const float *data, const FftPlan &plan, bool mirror, int32_t first_code, Best *best) {
  with_radix(plan.radix[plan.n_stages - 1], [&](auto radix) {
    constexpr int R = decltype(radix)::value;
    if (mirror)
      last_stage<R, true>(data, plan.length, first_code, best);
    else
      last_stage<R, false>(data, plan.length, first_code, best);
  });
}

// The other stages of the transform and the maxima, for the B images i of one block.
void rest_of_block(const PairBlock &p, int lane, long stride) {
  const FftPlan &plan = *p.rings->fft;
  for (int i = 0; i < B; ++i) {
    float *data = p.work + i * stride;
    fft_stages(data, plan, 1, plan.n_stages - 1);
    PairBest::Row &row = p.best->row[i];
    Best best[kKept];
    for (int n = 0; n < kKept; ++n)
      best[n] = {load(row.value[n] + lane), *reinterpret_cast<const I *>(row.code[n] + lane)};
    maxima(data, plan, p.mirror != 0, p.first_code, best);
    for (int n = 0; n < kKept; ++n) {
      store(row.value[n] + lane, best[n].value);
      *reinterpret_cast<I *>(row.code[n] + lane) = best[n].code;
    }
  }
}

void pairs(const PairBlock &p) {
  const RingShape &shape = *p.rings;
  const long stride = pair_stride(shape.n_angles, W);
  const float *lanes = p.lanes;
  for (int lane = 0; lane < kLanes; lane += W, lanes += 2 * W * shape.n_freq * shape.n_rings) {
    with_radix(shape.fft->radix[0],
               [&](auto radix) { first_stage<decltype(radix)::value>(p, lanes, stride); });
    for (int b = 0; b < p.n_blocks; ++b)
      rest_of_block(block_of(p, b, stride), lane, stride);
  }
}

// ---- Tops among the points that a scan kept

// Turns that differ by no more than so many angles of the grid may belong to one hill. (With 2 as
// many as one in a thousand pairs miss a hill.)
constexpr float kLike = 1.0f;

inline bool any(I lanes) {
  int32_t some = 0;
  for (int lane = 0; lane < W; ++lane)
    some |= lanes[lane];
  return some != 0;
}

// Lanes in which a point of a like angle at another shift is higher.
inline I is_below(V value, V angle, const float *others, const float *angles, bool first,
                  float n_angles) {
  I below = {};
  for (int n = 0; n < kSectors; ++n) {
    const V other = load(others + n * kLanes), apart = angle - load(angles + n * kLanes);
    const I higher = first ? other >= value : other > value;
    const V distance = apart < 0.0f ? -apart : apart;
    below |= higher & ((distance <= kLike) | (distance >= n_angles - kLike));
  }
  return below;
}

void tops(const KeptPoints &p) {
  constexpr long row = static_cast<long>(kKept) * kLanes;
  const auto n_angles = static_cast<float>(p.n_angles);
  for (int n = 0; n < kKept; ++n)
    for (int lane = 0; lane < kLanes; lane += W) {
      const long at = p.shift * row + n * kLanes + lane;
      const V value = load(p.value + at), angle = load(p.angle + at);
      I top = value >= load(p.least + lane);
      if (any(top))
        for (int q = 0; q < p.n_near; ++q) {
          const long other = p.near[q] * row + n / kSectors * kSectors * kLanes + lane;
          top &= ~is_below(value, angle, p.value + other, p.angle + other, p.near[q] < p.shift,
                           n_angles);
        }
      store(p.top + n * kLanes + lane, top ? V{} + 1.0f : V{});
    }
}

// ---- The climb: rings at other angles; value, slope and curvature around an angle and shift

// The samples of two rings are real and imaginary part of one complex transform and back.
void resample(const Resample &r) {
  const FftPlan &from = *r.from, &to = *r.to;
  float *in = r.work, *out = r.work + 2L * W * from.length;
  const float scale = r.scale / static_cast<float>(from.length);
  const int n_freq = (from.length < to.length ? from.length : to.length) / 2;
  for (int lane = 0; lane < kLanes; lane += W) {
    for (int a = 0; a < from.length; ++a)
      store_c(in + 2 * W * a,
              {load(r.ring[0] + kLanes * a + lane), load(r.ring[1] + kLanes * a + lane)});
    fft(in, from);
    for (int m = 0; m < to.length; ++m)
      store_c(out + 2 * W * m, C{V{}, V{}});
    for (int m = 0; m < n_freq; ++m) { // the way back has the same sign: m and -m change places
      const int minus = m == 0 ? 0 : from.length - m, to_minus = m == 0 ? 0 : to.length - m;
      const C a = load_c(in + 2 * W * from.position[m]);
      const C b = load_c(in + 2 * W * from.position[minus]);
      store_c(out + 2 * W * to_minus, {a.re * scale, a.im * scale});
      store_c(out + 2 * W * m, {b.re * scale, b.im * scale});
    }
    fft(out, to);
    for (int a = 0; a < to.length; ++a) {
      const C z = load_c(out + 2 * W * to.position[a]);
      store(r.out[0] + kLanes * a + lane, z.re);
      store(r.out[1] + kLanes * a + lane, z.im);
    }
  }
}

struct CosSin {
  V cos, sin;
};
// Cosine and sine, of half the angle by polynomials with the least largest error, from there by the
// formulas of the double angle; error below 2e-7 for the few turns that occur here.
inline CosSin cos_sin(V x) {
  const V turns = x * 0.15915494309189533577f;
  const V r = turns - (turns + 12582912.0f - 12582912.0f); // 1.5 * 2^23: rounds to integer
  const V z = r * r;
  const V s = r * (3.14159264f + z * (-5.16771008f +
                                      z * (2.55007752f + z * (-0.598291286f + z * 0.0776576603f))));
  const V c =
      0.999999953f + z * (-4.93479283f + z * (4.05841135f + z * (-1.33187657f + z * 0.219689611f)));
  const V twice = s + s;
  return {1.0f - twice * s, twice * c};
}

// From any address, into a register: left to itself the compiler reads it anew for every use, which
// costs twice where a vector crosses a line of the cache.
typedef float Unaligned __attribute__((vector_size(4 * W), aligned(4), may_alias));
inline V load_anywhere(const float *p) {
  V v = *reinterpret_cast<const Unaligned *>(p);
#if defined(__x86_64__)
  asm("" : "+v"(v));
#elif defined(__aarch64__)
  asm("" : "+w"(v));
#endif
  return v;
}

// Sums over the lanes of four vectors.
typedef float Four __attribute__((vector_size(16), may_alias));
inline Four quarters(const V &v) {
  Four sum = {};
  for (int n = 0; n < W / 4; ++n)
    sum += reinterpret_cast<const Four *>(&v)[n];
  return sum;
}
inline void sums_of(const V *v, float *out) {
  const Four a = quarters(v[0]), b = quarters(v[1]), c = quarters(v[2]), d = quarters(v[3]);
  const Four ab = {a[0], a[1], b[0], b[1]}, ab2 = {a[2], a[3], b[2], b[3]};
  const Four cd = {c[0], c[1], d[0], d[1]}, cd2 = {c[2], c[3], d[2], d[3]};
  const Four p = ab + ab2, q = cd + cd2;
  const Four even = {p[0], p[2], q[0], q[2]}, odd = {p[1], p[3], q[1], q[3]};
  const Four sum = even + odd;
  for (int n = 0; n < 4; ++n)
    out[n] = sum[n];
}

// Sums over rings, per direction: at three angles the correlation and its derivative by the phase
// 2 pi k . t; its second derivative at the middle one (without its sign).
struct AlongRings {
  V value[3], slope[3], bend;
};

// Rows of the finely sampled image at three angles, and their opposite samples.
struct Turned {
  long here[3], opposite[3];
};
inline Turned turned_to(const RingGroup &g, int turn) {
  const int half = g.n_angles / 2, n_fine = g.fine * g.n_angles;
  Turned t;
  for (int q = 0; q < 3; ++q) {
    const int f = (turn + q - 1 + n_fine) % n_fine, start = f / g.fine;
    const long row = (f % g.fine) * g.stored * 3L * half;
    t.here[q] = row + start;
    t.opposite[q] = row + (start < half ? start + half : start - half);
  }
  return t;
}

// One vector of directions, all rings of a group. Rings are evenly spaced, so that the phase of the
// next ring is one more turn by `step`.
AlongRings along_rings(const HillPoint &p, const RingGroup &g, const Turned &at, const float *moved,
                       const float *turned, V along) {
  const float *radius = p.shape->ring_radius;
  const int half = g.n_angles / 2;
  const float spacing = g.end - g.first > 1 ? radius[g.first + 1] - radius[g.first] : 0.0f;
  const CosSin first = cos_sin(along * radius[g.first]), next = cos_sin(along * spacing);
  C phase = {first.cos, first.sin};
  const C step = {next.cos, next.sin};
  AlongRings sum = {};
  for (int k = g.first; k < g.end; ++k) {
    const V s = load(moved), o = load(moved + half);
    const V here = s * phase.re - o * phase.im, opposite = o * phase.re + s * phase.im;
    const V here_k = here * radius[k], opposite_k = opposite * radius[k];
    for (int q = 0; q < 3; ++q) {
      const V a = load_anywhere(turned + at.here[q]), b = load_anywhere(turned + at.opposite[q]);
      const V product = here * a + opposite * b;
      sum.value[q] += product;
      sum.slope[q] += here_k * b;
      sum.slope[q] -= opposite_k * a;
      if (q == 1)
        sum.bend += product * (radius[k] * radius[k]);
    }
    phase = phase * step;
    moved += g.n_angles;
    turned += 3L * half;
  }
  return sum;
}

struct HillSums {
  V value[3], slope_y[3], slope_x[3], yy, yx, xx;
};
inline void add(HillSums &sums, const AlongRings &one, V cos, V sin) {
  for (int q = 0; q < 3; ++q) {
    sums.value[q] += one.value[q];
    sums.slope_y[q] += one.slope[q] * sin;
    sums.slope_x[q] += one.slope[q] * cos;
  }
  sums.yy -= one.bend * sin * sin;
  sums.yx -= one.bend * sin * cos;
  sums.xx -= one.bend * cos * cos;
}

void hill(const HillPoint &p) {
  HillSums sums = {};
  const float *moved = p.moved, *turned = p.turned;
  for (int number = 0; number < p.shape->n_groups; ++number) {
    const RingGroup &g = p.shape->group[number];
    const int half = g.n_angles / 2;
    const Turned at = turned_to(g, p.turn);
    for (int a = 0; a < half; a += W) {
      const V cos = load(g.direction + a), sin = load(g.direction + half + a);
      const V along = cos * p.shift_x + sin * p.shift_y;
      add(sums, along_rings(p, g, at, moved + a, turned + a, along), cos, sin);
    }
    moved += static_cast<long>(g.stored) * g.n_angles;
    turned += static_cast<long>(g.stored) * 3 * half * g.fine;
  }
  const V all[12] = {sums.value[0],   sums.value[1],   sums.value[2],   sums.yy,
                     sums.slope_y[0], sums.slope_y[1], sums.slope_y[2], sums.yx,
                     sums.slope_x[0], sums.slope_x[1], sums.slope_x[2], sums.xx};
  float sum[12];
  for (int n = 0; n < 12; n += 4)
    sums_of(all + n, sum + n);
  *p.hill = {{sum[0], sum[1], sum[2]},
             {sum[4], sum[5], sum[6]},
             {sum[8], sum[9], sum[10]},
             sum[3],
             sum[7],
             sum[11]};
}

} // namespace

extern const Kernels table;
const Kernels table = {REBALANCE_NAME, W,     B,    lane_product, polar_gather,
                       shift_rings,    pairs, tops, resample,     hill};

} // namespace REBALANCE_ISA
} // namespace rebalance
