// Plan of the short Fourier transforms.
#pragma once

#include <vector>

#include "rebalance/kernels.hpp"

namespace rebalance {

/// Owns the tables that an FftPlan points to.
class FftTables {
public:
  /// length: a product of 2, 3, 4 and 5. Throws std::invalid_argument otherwise.
  explicit FftTables(int length);
  FftTables(const FftTables &) = delete;
  FftTables &operator=(const FftTables &) = delete;

  const FftPlan &plan() const { return plan_; }
  /// Output that stands at a place: the inverse of FftPlan::position.
  const std::vector<int> &output_at() const { return output_at_; }

private:
  FftPlan plan_{};
  std::vector<std::vector<float>> twiddles_;
  std::vector<int> position_;
  std::vector<int> output_at_;
};

} // namespace rebalance
