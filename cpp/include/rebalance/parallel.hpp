// A parallel loop whose results do not depend on the number of threads.
#pragma once

#include <cstdint>
#include <exception>
#include <mutex>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "rebalance/control.hpp"

namespace rebalance {

/// The thread that calls, from 0, within the body of a parallel_for.
inline int thread_index() {
#ifdef _OPENMP
  return omp_get_thread_num();
#else
  return 0;
#endif
}

/// Calls body(i) once for each i in [0, n), in chunks of one, on `threads` threads.
/// Each i must own its output. The first exception is kept and rethrown after the loop, as none
/// may leave an OpenMP region. Throws Stopped when control.stop was set.
template <class Body>
void parallel_for(std::int64_t n, [[maybe_unused]] int threads, Control &control,
                  const Body &body) {
  std::exception_ptr failure;
  std::mutex failure_mutex;
  std::atomic<bool> failed{false};
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
#endif
  for (std::int64_t i = 0; i < n; ++i) {
    if (failed || control.stop)
      continue;
    try {
      body(i);
    } catch (...) {
      const std::lock_guard<std::mutex> lock(failure_mutex);
      if (!failed.exchange(true))
        failure = std::current_exception();
    }
  }
  if (failure)
    std::rethrow_exception(failure);
  if (control.stop)
    throw Stopped();
}

} // namespace rebalance
