// How a caller watches and stops a long computation.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>

namespace rebalance {

/// Shared by the workers and whoever waits for them.
struct Control {
  std::atomic<bool> stop{false};     ///< set by the caller; workers leave at the next small step
  std::atomic<std::int64_t> done{0}; ///< work units finished
  std::atomic<std::int64_t> total{0};
};

/// Thrown out of a computation that was told to stop.
struct Stopped : std::exception {
  const char *what() const noexcept override { return "stopped"; }
};

} // namespace rebalance
