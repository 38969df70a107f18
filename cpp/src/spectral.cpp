#include "rebalance/spectral.hpp"

#include <algorithm> // for nth_element, max_element, copy
#include <cmath>     // for exp, sqrt
#include <limits>    // for numeric_limits
#include <stdexcept> // for runtime_error
#include <string>    // for to_string

namespace rebalance {

namespace {

// Scale of a kernel: a share of the distance at some rank of a row, 0 the smallest and 1 the
// largest.
struct Scale {
  double rank, share;
};
// The median separates views best. But once one view holds half of all images it tells how crowded
// that view is, and breaking the view up looks better and better; how good a number of groups is
// is judged by what unlike images keep as distance (see docs/method.md).
constexpr Scale kGrouping{0.5, 0.55};
constexpr Scale kJudging{0.95, 0.45};

std::size_t size(std::int64_t n) {
  return static_cast<std::size_t>(n);
}

double value_at_rank(std::vector<double> values, double rank) {
  const auto last = static_cast<double>(values.size() - 1);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(rank * last);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

std::vector<double> scales(const double *affinity, std::int64_t n, Scale kind) {
  std::vector<double> scale(size(n)), row(size(n));
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < n; ++j)
      row[size(j)] = i == j ? 0.0 : std::sqrt(std::max(0.0, 2.0 * (1.0 - affinity[i * n + j])));
    scale[size(i)] = std::max(kind.share * value_at_rank(row, kind.rank), 1e-6);
  }
  return scale;
}

std::vector<double> scaled_kernel(const double *affinity, std::int64_t n, Scale kind) {
  const std::vector<double> scale = scales(affinity, n, kind);
  std::vector<double> kernel(size(n * n));
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      const double distance = i == j ? 0.0 : 2.0 * std::max(0.0, 1.0 - affinity[i * n + j]);
      kernel[size(i * n + j)] = std::exp(-distance / (scale[size(i)] * scale[size(j)]));
    }
  return kernel;
}

// D^-1/2 K D^-1/2
std::vector<double> normalised(std::vector<double> kernel, std::int64_t n) {
  std::vector<double> degree(size(n), 0.0);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      degree[size(i)] += kernel[size(i * n + j)];
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      kernel[size(i * n + j)] /= std::sqrt(degree[size(i)] * degree[size(j)]);
  return kernel;
}

// Eigenvectors of the largest eigenvalues, the largest first: [n_vectors][n].
std::vector<double> leading_vectors(std::vector<double> matrix, std::int64_t n,
                                    std::int64_t n_vectors, Dsyevr dsyevr) {
  char jobz = 'V', range = 'I', uplo = 'L';
  int order = static_cast<int>(n), first = static_cast<int>(n - n_vectors + 1), last = order;
  int found = 0, info = 0, lwork = -1, liwork = -1, iwork_size = 0;
  double lower = 0.0, upper = 0.0, tolerance = 0.0, work_size = 0.0;
  std::vector<double> values(size(n)), vectors(size(n * n_vectors));
  std::vector<int> support(size(2 * n_vectors));
  const auto call = [&](double *work, int *iwork) {
    dsyevr(&jobz, &range, &uplo, &order, matrix.data(), &order, &lower, &upper, &first, &last,
           &tolerance, &found, values.data(), vectors.data(), &order, support.data(), work, &lwork,
           iwork, &liwork, &info);
  };
  call(&work_size, &iwork_size); // asks for the sizes of the work arrays
  lwork = static_cast<int>(work_size);
  liwork = iwork_size;
  std::vector<double> work(size(std::max(lwork, 1)));
  std::vector<int> iwork(size(std::max(liwork, 1)));
  call(work.data(), iwork.data());
  if (info != 0 || found != n_vectors)
    throw std::runtime_error("the eigenvectors of the affinity kernel could not be found (LAPACK "
                             "dsyevr: info " +
                             std::to_string(info) + ")");
  std::vector<double> sorted(vectors.size());
  for (std::int64_t v = 0; v < n_vectors; ++v)
    std::copy(vectors.begin() + v * n, vectors.begin() + (v + 1) * n,
              sorted.begin() + (n_vectors - 1 - v) * n);
  return sorted;
}

using Points = std::vector<double>; // [n][k]

double dot(const double *a, const double *b, std::int64_t k) {
  double sum = 0.0;
  for (std::int64_t d = 0; d < k; ++d)
    sum += a[d] * b[d];
  return sum;
}

void to_unit_length(double *point, std::int64_t k) {
  const double length = std::sqrt(dot(point, point, k));
  for (std::int64_t d = 0; d < k && length > 0.0; ++d)
    point[d] /= length;
}

// Centres to begin with, without chance: ideal groups lie on orthogonal directions, so each centre
// is the point least aligned with those before it. The first is the one closest to most others.
Points first_centres(const Points &points, std::int64_t n, std::int64_t k) {
  std::vector<double> sum(size(k), 0.0), aligned(size(n), 0.0);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t d = 0; d < k; ++d)
      sum[size(d)] += points[size(i * k + d)];
  std::int64_t next = 0;
  double closest = -std::numeric_limits<double>::infinity();
  for (std::int64_t i = 0; i < n; ++i)
    if (const double s = dot(&points[size(i * k)], sum.data(), k); s > closest + 1e-9) {
      closest = s;
      next = i;
    }
  Points centres;
  for (std::int64_t c = 0; c < k; ++c) {
    const double *centre = &points[size(next * k)];
    centres.insert(centres.end(), centre, centre + k);
    for (std::int64_t i = 0; i < n; ++i)
      aligned[size(i)] = std::max(aligned[size(i)], std::abs(dot(&points[size(i * k)], centre, k)));
    aligned[size(next)] = std::numeric_limits<double>::infinity();
    next = std::min_element(aligned.begin(), aligned.end()) - aligned.begin();
  }
  return centres;
}

struct Nearest {
  std::vector<std::int32_t> label;
  std::vector<double> similarity; // to the own centre
};

Nearest nearest(const Points &points, const Points &centres, std::int64_t n, std::int64_t k) {
  Nearest out{std::vector<std::int32_t>(size(n), 0), std::vector<double>(size(n), -2.0)};
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t c = 0; c < k; ++c)
      if (const double s = dot(&points[size(i * k)], &centres[size(c * k)], k);
          s > out.similarity[size(i)]) {
        out.similarity[size(i)] = s;
        out.label[size(i)] = static_cast<std::int32_t>(c);
      }
  return out;
}

// A group that lost all members takes the point that fits its own group worst.
void fill_empty(Nearest &groups, std::int64_t k) {
  std::vector<std::int64_t> count(size(k), 0);
  for (const std::int32_t label : groups.label)
    ++count[size(label)];
  for (std::int64_t c = 0; c < k; ++c) {
    if (count[size(c)] > 0)
      continue;
    std::size_t worst = groups.label.size();
    for (std::size_t i = 0; i < groups.label.size(); ++i)
      if (count[size(groups.label[i])] > 1 &&
          (worst == groups.label.size() || groups.similarity[i] < groups.similarity[worst]))
        worst = i;
    --count[size(groups.label[worst])];
    groups.label[worst] = static_cast<std::int32_t>(c);
    groups.similarity[worst] = 1.0;
    count[size(c)] = 1;
  }
}

Points means(const Points &points, const std::vector<std::int32_t> &labels, std::int64_t k) {
  Points centres(size(k * k), 0.0);
  for (std::size_t i = 0; i < labels.size(); ++i)
    for (std::int64_t d = 0; d < k; ++d)
      centres[size(labels[i] * k + d)] += points[i * size(k) + size(d)];
  for (std::int64_t c = 0; c < k; ++c)
    to_unit_length(&centres[size(c * k)], k);
  return centres;
}

constexpr int kMaxRounds = 300;

} // namespace

SpectralEmbedding::SpectralEmbedding(const double *affinity, std::int64_t n, std::int64_t n_vectors,
                                     Dsyevr dsyevr)
    : n_(n), n_vectors_(n_vectors), kernel_(scaled_kernel(affinity, n, kJudging)),
      vectors_(leading_vectors(normalised(scaled_kernel(affinity, n, kGrouping), n), n, n_vectors,
                               dsyevr)) {}

// k-means on the unit sphere of the first k eigenvectors (Ng, Jordan & Weiss 2002).
std::vector<std::int32_t> SpectralEmbedding::labels(std::int64_t k) const {
  Points points(size(n_ * k));
  for (std::int64_t i = 0; i < n_; ++i) {
    for (std::int64_t d = 0; d < k; ++d)
      points[size(i * k + d)] = vectors_[size(d * n_ + i)];
    to_unit_length(&points[size(i * k)], k);
  }
  Points centres = first_centres(points, n_, k);
  Nearest groups;
  for (int round = 0; round < kMaxRounds; ++round) {
    Nearest now = nearest(points, centres, n_, k);
    fill_empty(now, k);
    const bool settled = now.label == groups.label;
    groups = std::move(now);
    if (settled)
      break;
    centres = means(points, groups.label, k);
  }
  return groups.label;
}

std::vector<double> SpectralEmbedding::silhouette(const std::vector<std::int32_t> &labels) const {
  const std::int64_t k = 1 + *std::max_element(labels.begin(), labels.end());
  std::vector<double> count(size(k), 0.0), quality(size(n_), 0.0), distance(size(k));
  for (const std::int32_t label : labels)
    ++count[size(label)];
  for (std::int64_t i = 0; i < n_; ++i) {
    const std::size_t own = size(labels[size(i)]);
    if (count[own] < 2.0)
      continue;
    std::fill(distance.begin(), distance.end(), 0.0);
    for (std::int64_t j = 0; j < n_; ++j)
      distance[size(labels[size(j)])] += 1.0 - kernel_[size(i * n_ + j)];
    const double inside = distance[own] / (count[own] - 1.0);
    double outside = std::numeric_limits<double>::infinity();
    for (std::size_t g = 0; g < size(k); ++g)
      if (g != own && count[g] > 0.0)
        outside = std::min(outside, distance[g] / count[g]);
    if (std::isfinite(outside))
      quality[size(i)] = (outside - inside) / std::max({inside, outside, 1e-12});
  }
  return quality;
}

} // namespace rebalance
