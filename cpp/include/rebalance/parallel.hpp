// A parallel loop whose results do not depend on the number of threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "rebalance/control.hpp"

namespace rebalance {

inline thread_local int index_of_this_thread = 0;

/// The thread that calls, from 0, within the body of a parallel_for.
inline int thread_index() {
  return index_of_this_thread;
}

/// Calls work() on each of `threads` threads, or fewer if the system gives fewer. Threads that wait
/// sleep: on a busy machine a pool whose threads spin takes twice the time.
template <class Work> void on_threads(int threads, const Work &work) {
  std::vector<std::thread> others;
  others.reserve(static_cast<std::size_t>(std::max(threads - 1, 0)));
  for (int index = 1; index < threads; ++index) {
    try {
      others.emplace_back([&work, index] {
        index_of_this_thread = index;
        work();
      });
    } catch (const std::system_error &) {
      break;
    }
  }
  work();
  for (std::thread &other : others)
    other.join();
}

/// Calls body(i) once for each i in [0, n), one after the other as threads come free, on `threads`
/// threads. Each i must own its output. The first exception is kept and rethrown after the loop,
/// as none may leave a thread. Throws Stopped when control.stop was set.
template <class Body>
void parallel_for(std::int64_t n, int threads, Control &control, const Body &body) {
  std::exception_ptr failure;
  std::mutex failure_mutex;
  std::atomic<bool> failed{false};
  std::atomic<std::int64_t> next{0};
  const auto work = [&] {
    for (std::int64_t i = next++; i < n && !failed && !control.stop; i = next++) {
      try {
        body(i);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(failure_mutex);
        if (!failed.exchange(true))
          failure = std::current_exception();
      }
    }
  };
  on_threads(static_cast<int>(std::clamp<std::int64_t>(n, 1, std::max(threads, 1))), work);
  if (failure)
    std::rethrow_exception(failure);
  if (control.stop)
    throw Stopped();
}

} // namespace rebalance
