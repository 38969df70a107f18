// The inner loops, compiled once per instruction set and chosen at run time.
//
// This header is read by the kernel sources, which include no C++ library: an inline function of
// the library compiled for AVX-512 could be picked by the linker for the whole program.
//
// Everything works on lanes: kLanes images (or pairs) side by side in the innermost axis.
#pragma once

#include <stdint.h>

namespace rebalance {

/// Images side by side in the innermost axis of every lane array, on every instruction set.
constexpr int kLanes = 16;

/// A complex inverse Fourier transform of a short length, in place, without reordering.
struct FftPlan {
  int length;
  int n_stages;
  int radix[16];
  const float *twiddle[16]; ///< per stage: [length of the block / radix][radix - 1] (cos, sin)
  const int *position;      ///< where output n stands
};

/// out[p] = sum over q of matrix[p][q] * in[q], for kLanes lanes.
struct LaneProduct {
  const float *matrix; ///< [n_out][n_in]
  int n_out, n_in;
  const float *in; ///< [n_in] rows of lanes, in_stride floats apart
  long in_stride;
  float *out; ///< [n_out] rows of lanes, out_stride floats apart
  long out_stride;
};

/// Cartesian samples of the transform of kLanes images, and the polar points wanted of them.
struct PolarGather {
  int n_points, taps, width;      ///< taps per axis; width: columns of the grid
  const int *corner;              ///< [n_points] index of the first grid sample of each point
  const float *weight_y;          ///< [n_points][taps]
  const float *weight_x;          ///< [n_points][taps]
  const float *grid_re, *grid_im; ///< [rows][width] of lanes
  float *re, *im;                 ///< [n_points] of lanes
};

/// Rings of kLanes images; what is needed to shift them and take their angular transform.
struct RingShape {
  int n_rings, n_angles; ///< n_angles is even; half = n_angles / 2
  int n_freq;            ///< angular frequencies 0 .. n_freq - 1, n_freq = n_angles / 2
  const FftPlan *fft;
  const int *first_ring; ///< [n_freq] rings below carry nothing at this frequency
};

/// Most images i that one call of the pair kernel takes.
constexpr int kMaxBlock = 6;

/// The best of each of these is kept: direct and mirrored, and of either two sectors of angles,
/// each about half of the circle, since a view often resembles another in two opposite angles.
constexpr int kSectors = 2, kKept = 2 * kSectors;

/// Best correlation so far of a block of images i with kLanes images j: direct first.
struct alignas(64) PairBest {
  struct Row {
    float value[kKept][kLanes];
    int32_t code[kKept][kLanes]; ///< first_code + position in the transform
  };
  Row row[kMaxBlock];
};

/// Floats between the transforms of two images i: a little more than one takes, so that they do
/// not compete for the same lines of the cache.
constexpr long pair_stride(long n_angles, long width) {
  return 2 * width * (n_angles + 3);
}

struct PairBlock {
  const RingShape *rings;
  int n_blocks;
  const float *rows;  ///< [n_blocks][n_freq][n_rings][2][block] coefficients of the images i: sums
                      ///< and differences of real and imaginary part
  const float *lanes; ///< [kLanes / width][n_freq][n_rings][2][width] of the images j
  int mirror;         ///< also compare with mirror images
  int32_t first_code;
  float *work;    ///< n_blocks * block * pair_stride(n_angles, width) floats, aligned to 64 bytes
  PairBest *best; ///< [n_blocks]
};

/// What a scan kept of one image i with kLanes images j, and which of it is asked for.
struct KeptPoints {
  const float *value, *angle; ///< [shift][kKept][kLanes]; angles in steps of the grid
  int n_angles;
  int shift;
  int n_near;
  const int *near;    ///< [n_near] shifts near this one
  const float *least; ///< [kLanes] lower points are no tops
  float *top;         ///< [kKept][kLanes] 1 where no point near, of a like angle, is higher; else 0
};

/// Two rings of kLanes images, sampled at other angles; angular frequencies that do not fit below
/// half of either number of samples are dropped.
struct Resample {
  const FftPlan *from, *to;
  float scale;          ///< factor on the samples
  const float *ring[2]; ///< [from->length] lanes
  float *work;          ///< 2 * (from->length + to->length) vectors, aligned to 64 bytes
  float *out[2];        ///< [to->length] lanes
};

/// Rings with equally many samples.
struct RingGroup {
  int first, end;         ///< rings
  int stored;             ///< rings from the first on that lie in memory, some perhaps not summed
  int n_angles;           ///< samples per ring, a multiple of 2 * kLanes
  int fine;               ///< fine angles from one sample to the next
  const float *direction; ///< [2][n_angles / 2] cos and sin of the half circle
};

constexpr int kMostGroups = 8;

/// How rings are sampled for the climb: as coarsely as each allows, and finely where they turn.
struct HillShape {
  int n_groups;
  RingGroup group[kMostGroups];
  const float *ring_radius; ///< [n_rings] 2 pi k, radians per px
};

/// The correlation of a pair around one angle and shift.
struct Hill {
  float value[3];               ///< one fine angle before, there, one behind
  float slope_y[3], slope_x[3]; ///< d/d shift, px, at the same angles
  float yy, yx, xx;             ///< second derivatives there
};

struct HillPoint {
  const HillShape *shape;
  const float *moved;     ///< rings of one image: [group][ring][n_angles]
  const float *turned;    ///< rings of the other: [group][fine][ring][3 / 2 n_angles], sample n of
                          ///< row f lies f fine angles behind sample n of row 0
  int turn;               ///< fine angles by which the other is read ahead, from 0
  float shift_y, shift_x; ///< px, of the first
  Hill *hill;
};

/// One set of inner loops.
struct Kernels {
  const char *name;
  int width; ///< floats per vector
  int block; ///< images i per call of `pairs`
  void (*lane_product)(const LaneProduct &);
  void (*polar_gather)(const PolarGather &);
  /// Shift the rings of kLanes images by one shift and take their angular transform, of which the
  /// sum and the difference of real and imaginary part are kept.
  /// phase: [n_rings][n_angles / 2][2] (cos, sin) of 2 pi k . t. out: as PairBlock::lanes.
  void (*shift_rings)(const RingShape &, const float *polar, const float *phase, float *work,
                      float *out);
  void (*pairs)(const PairBlock &);
  /// Of points as high as a near one that is the top whose shift comes first.
  void (*tops)(const KeptPoints &);
  void (*resample)(const Resample &);
  void (*hill)(const HillPoint &);
};

/// The fastest kernels that this processor runs, or those named by the environment variable
/// REBALANCE_ISA (baseline, avx2, avx512). Throws std::invalid_argument for a name that is
/// unknown or that this processor cannot run.
const Kernels &kernels();

} // namespace rebalance
