#include "rebalance/line_angles.hpp"

#include <algorithm> // for max_element, min
#include <array>     // for array
#include <cmath>     // for cos, exp, sin, sqrt
#include <vector>

#include "rebalance/line_kernels.hpp"
#include "rebalance/parallel.hpp"

namespace rebalance {

namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr int kBins = 90;
constexpr float kBinWidth = static_cast<float>(kPi / kBins);
constexpr double kBlur = 3.5 * kPi / 180; // how well a single vote knows the angle
constexpr int kReach = 5;                 // bins: where the blur ends
/// Cosines and sines of a matrix of angles.
struct Circle {
  std::vector<float> cos, sin;
  std::int64_t columns;

  /// at(i, j) is the angle of row i and column j.
  template <class At> Circle(std::int64_t rows, std::int64_t n, const At &at) : columns(n) {
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < n; ++j) {
        cos.push_back(static_cast<float>(std::cos(at(i, j))));
        sin.push_back(static_cast<float>(std::sin(at(i, j))));
      }
  }
  void row(std::int64_t i, const float *out[2]) const {
    out[0] = cos.data() + i * columns;
    out[1] = sin.data() + i * columns;
  }
  void one(std::int64_t i, std::int64_t j, float out[2]) const {
    out[0] = cos[static_cast<std::size_t>(i * columns + j)];
    out[1] = sin[static_cast<std::size_t>(i * columns + j)];
  }
};

std::array<float, 2 * kReach + 1> blur() {
  std::array<float, 2 * kReach + 1> weight{};
  for (int b = -kReach; b <= kReach; ++b) {
    const double x = b * (kPi / kBins) / kBlur;
    const int place = b + kReach;
    weight[static_cast<std::size_t>(place)] = static_cast<float>(std::exp(-0.5 * x * x));
  }
  return weight;
}

/// Peak of a histogram of angles, blurred; angles beyond 0 and pi count mirrored.
float peak(const std::array<float, kBins> &count) {
  static const auto weight = blur();
  std::array<float, kBins> smooth{};
  for (int b = 0; b < kBins; ++b)
    for (int d = -kReach; d <= kReach; ++d) {
      const int place = d + kReach;
      int from = b + d;
      from = from < 0 ? -1 - from : from >= kBins ? 2 * kBins - 1 - from : from;
      smooth[static_cast<std::size_t>(b)] +=
          weight[static_cast<std::size_t>(place)] * count[static_cast<std::size_t>(from)];
    }
  const auto best = std::max_element(smooth.begin(), smooth.end());
  return (static_cast<float>(best - smooth.begin()) + 0.5f) * kBinWidth;
}

void settle(const std::vector<float> &vote, double *angle, float *share) {
  std::array<float, kBins> count{};
  for (const float v : vote)
    if (v >= 0)
      ++count[static_cast<std::size_t>(std::min(kBins - 1, static_cast<int>(v / kBinWidth)))];
  const float top = peak(count);
  double sum = 0;
  int n = 0;
  for (const float v : vote)
    if (v >= 0 && std::fabs(v - top) < static_cast<float>(kAgree)) {
      sum += v;
      ++n;
    }
  *angle = n > 0 ? sum / n : top;
  *share = static_cast<float>(n) / static_cast<float>(vote.size());
}

} // namespace

void vote_on_angles(const LineAngles &lines, const ViewAngles &out, int threads, Control &control) {
  const std::int64_t n = lines.n_anchors;
  const Circle in_row(lines.n_rows, n, [&](auto i, auto k) { return lines.in_row[i * n + k]; });
  const Circle in_anchor(lines.n_rows, n,
                         [&](auto i, auto k) { return lines.in_anchor[i * n + k]; });
  const Circle mutual(n, n, [&](auto j, auto k) { return lines.of_anchors[j * n + k]; });
  const Circle reverse(n, n, [&](auto j, auto k) { return lines.of_anchors[k * n + j]; });
  parallel_for(lines.n_rows, threads, control, [&](std::int64_t i) {
    std::vector<float> vote(static_cast<std::size_t>(n));
    ThirdImages third{};
    third.n = n;
    third.vote = vote.data();
    in_row.row(i, third.ik);
    in_anchor.row(i, third.ki);
    for (std::int64_t j = 0; j < n; ++j) {
      out.angle[i * n + j] = 0;
      out.share[i * n + j] = 0;
      if (j == lines.skip[i])
        continue;
      in_row.one(i, j, third.ij);
      in_anchor.one(i, j, third.ji);
      mutual.row(j, third.jk);
      reverse.row(j, third.kj);
      line_kernels().ask_third(third);
      vote[static_cast<std::size_t>(j)] = -1;
      if (lines.skip[i] >= 0)
        vote[static_cast<std::size_t>(lines.skip[i])] = -1;
      settle(vote, out.angle + i * n + j, out.share + i * n + j);
    }
  });
}

} // namespace rebalance
