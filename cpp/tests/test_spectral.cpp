// Groups and silhouettes where both can be worked out by hand. LAPACK is replaced by Jacobi's
// method, so that the core is tested without any library.
#include <cmath>
#include <set>
#include <stdexcept>

#include "check.hpp"
#include "rebalance/spectral.hpp"

using rebalance::SpectralEmbedding;

namespace {

std::size_t at(int i, int j, int n) {
  return static_cast<std::size_t>(i) * static_cast<std::size_t>(n) + static_cast<std::size_t>(j);
}

// One rotation that makes a[p][q] zero; `v` collects the rotations.
void rotate(double *a, std::vector<double> &v, int n, int p, int q) {
  if (std::abs(a[at(p, q, n)]) < 1e-15)
    return;
  const double angle = 0.5 * std::atan2(2.0 * a[at(p, q, n)], a[at(q, q, n)] - a[at(p, p, n)]);
  const double c = std::cos(angle), s = std::sin(angle);
  const auto turn = [c, s](double &x, double &y) {
    const double old = x;
    x = c * old - s * y;
    y = s * old + c * y;
  };
  for (int i = 0; i < n; ++i)
    turn(a[at(i, p, n)], a[at(i, q, n)]);
  for (int i = 0; i < n; ++i)
    turn(a[at(p, i, n)], a[at(q, i, n)]);
  for (int i = 0; i < n; ++i)
    turn(v[at(p, i, n)], v[at(q, i, n)]);
}

// With the arguments of dsyevr: eigenvectors il to iu, by rising eigenvalue.
void jacobi(char *, char *, char *, int *n, double *a, int *, double *, double *, int *il, int *iu,
            double *, int *m, double *, double *z, int *, int *, double *work, int *lwork,
            int *iwork, int *, int *info) {
  *info = 0;
  if (*lwork < 0) { // only the sizes of the work arrays are asked for
    *work = *iwork = 1;
    return;
  }
  std::vector<double> v(at(*n, 0, *n), 0.0);
  for (int i = 0; i < *n; ++i)
    v[at(i, i, *n)] = 1.0;
  for (int sweep = 0; sweep < 50; ++sweep)
    for (int p = 0; p < *n; ++p)
      for (int q = p + 1; q < *n; ++q)
        rotate(a, v, *n, p, q);
  std::set<std::pair<double, int>> rising;
  for (int i = 0; i < *n; ++i)
    rising.insert({a[at(i, i, *n)], i});
  int rank = 0;
  *m = 0;
  for (const auto &[value, i] : rising)
    if (++rank >= *il && rank <= *iu) {
      for (int j = 0; j < *n; ++j)
        z[at(*m, j, *n)] = v[at(i, j, *n)];
      ++*m;
    }
}

void broken(char *, char *, char *, int *, double *, int *, double *, double *, int *, int *,
            double *, int *, double *, double *, int *, int *, double *work, int *, int *iwork,
            int *, int *info) {
  *work = *iwork = 1;
  *info = 3;
}

// Affinity of images at these places on a line.
std::vector<double> affinity_of(const std::vector<double> &places) {
  std::vector<double> affinity;
  for (const double a : places)
    for (const double b : places)
      affinity.push_back(std::exp(-std::abs(a - b)));
  return affinity;
}

const std::vector<double> kPlaces{0.0, 0.1, 5.0, 0.2, 5.1, 9.0, 0.15, 5.2, 13.0};

SpectralEmbedding embedding() {
  const std::vector<double> affinity = affinity_of(kPlaces);
  const auto n = static_cast<std::int64_t>(kPlaces.size());
  return {affinity.data(), n, n, &jacobi};
}

void groups_are_those_seen_by_eye() {
  const auto label = embedding().labels(4);
  CHECK(label[0] == label[1] && label[0] == label[3] && label[0] == label[6]);
  CHECK(label[2] == label[4] && label[2] == label[7]);
  CHECK(std::set<std::int32_t>{label[0], label[2], label[5], label[8]}.size() == 4);
}

void every_number_of_groups_is_met() {
  const SpectralEmbedding e = embedding();
  for (int k = 1; k <= static_cast<int>(kPlaces.size()); ++k) {
    const auto label = e.labels(k);
    const std::set<std::int32_t> seen(label.begin(), label.end());
    CHECK(static_cast<int>(seen.size()) == k && *seen.begin() == 0 && *seen.rbegin() == k - 1);
  }
}

void identical_images_can_be_cut_too() {
  const std::vector<double> ones(36, 1.0);
  const SpectralEmbedding e(ones.data(), 6, 6, &jacobi);
  for (int k = 1; k <= 6; ++k) {
    const auto label = e.labels(k);
    CHECK(static_cast<int>(std::set<std::int32_t>(label.begin(), label.end()).size()) == k);
  }
}

void silhouette_tells_good_from_bad() {
  const SpectralEmbedding e = embedding();
  const auto good = e.silhouette({0, 0, 1, 0, 1, 2, 0, 1, 3});
  for (const std::size_t i : {0u, 1u, 2u, 3u, 4u, 6u, 7u})
    CHECK(good[i] > 0.5 && good[i] <= 1.0);
  CHECK(good[5] == 0.0); // alone
  const auto bad = e.silhouette({0, 1, 0, 0, 1, 1, 1, 1, 1});
  CHECK(bad[2] < 0.0);
  const auto one = e.silhouette(std::vector<std::int32_t>(9, 0));
  CHECK(one == std::vector<double>(9, 0.0));
}

void failure_of_lapack_is_told() {
  const std::vector<double> affinity = affinity_of(kPlaces);
  CHECK_THROWS(std::runtime_error, SpectralEmbedding(affinity.data(), 9, 2, &broken));
}

} // namespace

int main() {
  groups_are_those_seen_by_eye();
  every_number_of_groups_is_met();
  identical_images_can_be_cut_too();
  silhouette_tells_good_from_bad();
  failure_of_lapack_is_told();
  return check::result();
}
