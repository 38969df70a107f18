// The highest hill of a pair, from what a scan saw.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "rebalance/climb.hpp"
#include "rebalance/hills.hpp"
#include "rebalance/scan.hpp"

namespace rebalance {

/// How a grid point lays j on i.
Placement placement_of(const GridPoint &point, const Scan &scan);

/// From what a scan of the lower part of the band found to the highest hill of the whole band.
class HillSearch {
public:
  HillSearch(const Scan &scan, const Climb &climb, std::vector<float> above_rows,
             std::vector<float> above_lanes)
      : scan_(scan), climb_(climb), hills_(scan), above_rows_(std::move(above_rows)),
        above_lanes_(std::move(above_lanes)) {}

  /// Of image i, row `row` of what was found, with the 16 images j from slot `first_j` on.
  void find(const Scan::Found &found, std::int64_t row, std::int64_t i, std::int64_t first_j,
            Feet *feet) const;
  Placement highest(const Feet &feet, std::int64_t i, std::int64_t j, const float *turned_j) const;

private:
  // By Cauchy-Schwarz the rings that were not scanned add no more than the product of their norms.
  // They hardly ever add half of it.
  double above(std::int64_t i, std::int64_t j) const {
    return 0.5 * above_rows_[static_cast<std::size_t>(i)] *
           above_lanes_[static_cast<std::size_t>(j)];
  }

  const Scan &scan_;
  const Climb &climb_;
  Hills hills_;
  std::vector<float> above_rows_, above_lanes_; // norm of every image above the scanned band
};

} // namespace rebalance
