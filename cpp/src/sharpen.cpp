#include "rebalance/sharpen.hpp"

#include <algorithm> // for clamp, max, min, nth_element, partial_sort
#include <cmath>     // for exp, sqrt
#include <numeric>   // for iota

namespace rebalance {

namespace {

std::size_t size(std::int64_t n) {
  return static_cast<std::size_t>(n);
}

// Row i of W without zeros; the image itself comes first.
struct Sum {
  std::vector<std::int64_t> image;
  std::vector<double> weight;
};

// The nearest images of each, nearest first, ties by lower index: [n][count].
std::vector<std::int64_t> nearest(const double *affinity, std::int64_t n, std::int64_t count) {
  std::vector<std::int64_t> found, others;
  for (std::int64_t i = 0; i < n; ++i) {
    const double *row = affinity + i * n;
    others.resize(size(n));
    std::iota(others.begin(), others.end(), 0);
    others.erase(others.begin() + i);
    std::partial_sort(others.begin(), others.begin() + count, others.end(),
                      [row](std::int64_t a, std::int64_t b) {
                        return row[a] > row[b] || (row[a] == row[b] && a < b);
                      });
    found.insert(found.end(), others.begin(), others.begin() + count);
  }
  return found;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<Sum> weighted_sums(const double *affinity, std::int64_t n, const Sharpening &how) {
  const std::int64_t count = std::min(std::max<std::int64_t>(how.neighbours, 2), n - 1);
  const std::vector<std::int64_t> near = nearest(affinity, n, count);
  std::vector<double> second(size(n));
  for (std::int64_t i = 0; i < n; ++i)
    second[size(i)] =
        1.0 - affinity[i * n + near[size(i * count + std::min<std::int64_t>(1, count - 1))]];
  const double length = std::max(how.reach * median(second), 1e-9);
  std::vector<Sum> sums(size(n));
  for (std::int64_t i = 0; i < n; ++i) {
    Sum &sum = sums[size(i)];
    sum.image.push_back(i);
    sum.weight.push_back(1.0);
    for (std::int64_t c = 0; c < std::min(how.neighbours, count); ++c) {
      sum.image.push_back(near[size(i * count + c)]);
      sum.weight.push_back(std::exp((affinity[i * n + sum.image.back()] - 1.0) / length));
    }
  }
  return sums;
}

// Row i of W A.
void add_rows(const double *affinity, std::int64_t n, const Sum &sum, std::vector<double> &row) {
  std::fill(row.begin(), row.end(), 0.0);
  for (std::size_t s = 0; s < sum.image.size(); ++s) {
    const double *other = affinity + sum.image[s] * n;
    for (std::int64_t j = 0; j < n; ++j)
      row[size(j)] += sum.weight[s] * other[j];
  }
}

double dot(const std::vector<double> &row, const Sum &sum) {
  double total = 0.0;
  for (std::size_t s = 0; s < sum.image.size(); ++s)
    total += sum.weight[s] * row[size(sum.image[s])];
  return total;
}

} // namespace

std::vector<double> sharpen(const double *affinity, std::int64_t n, const Sharpening &how) {
  if (n < 2)
    return std::vector<double>(size(n), 1.0);
  const std::vector<Sum> sums = weighted_sums(affinity, n, how);
  std::vector<double> product(size(n * n)), row(size(n)), norm(size(n));
  for (std::int64_t i = 0; i < n; ++i) {
    add_rows(affinity, n, sums[size(i)], row);
    for (std::int64_t j = 0; j <= i; ++j)
      product[size(i * n + j)] = dot(row, sums[size(j)]);
    norm[size(i)] = std::sqrt(product[size(i * n + i)]);
  }
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < i; ++j) {
      const double value =
          std::clamp(product[size(i * n + j)] / (norm[size(i)] * norm[size(j)]), 0.0, 1.0);
      product[size(i * n + j)] = product[size(j * n + i)] = value;
    }
    product[size(i * n + i)] = 1.0;
  }
  return product;
}

} // namespace rebalance
