// The even draw: what stays is spread over class averages, micrographs and half sets.
#pragma once

#include <cstdint>
#include <vector>

#include "rebalance/draw.hpp"

namespace rebalance {

/// Something to be filled: how much it holds already, what it can take, and what it took.
struct Vessel {
  std::int64_t height = 0; // what is in it
  std::int64_t room = 0;   // most that it can take
  std::uint64_t tie = 0;   // of equally high ones the smaller takes first
  std::int64_t taken = 0;
};

/// Shares `total` out, no more than all the room, so that the heights after are as even as can be.
void fill_evenly(std::vector<Vessel> &vessels, std::int64_t total);

/// Where particles come from; every array has n entries, null: all from one.
struct Sources {
  const std::int32_t *average = nullptr;    // from 0 to n_averages - 1
  const std::int32_t *micrograph = nullptr; // from 0 to n_micrographs - 1
  std::int64_t n_averages = 1, n_micrographs = 1;
};

/// Marks the particles that stay. `particles.group` is superclass * n_parts + part, and of a group
/// g cap[g] particles stay, all where it is no larger or cap[g] < 0. Within a superclass they are
/// spread as evenly as they can be over averages, and then over micrographs.
/// Throws std::invalid_argument for a group that is not in [-1, n_groups), or an average
/// or micrograph out of range, or 2^32 particles and more.
void draw_evenly(const Drawn &particles, const Sources &sources, int n_parts,
                 const std::int64_t *cap, std::int64_t n_groups, bool *keep);

} // namespace rebalance
