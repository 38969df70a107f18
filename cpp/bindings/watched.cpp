#include "watched.hpp"

#include <chrono>             // for milliseconds
#include <condition_variable> // for condition_variable
#include <exception>          // for exception_ptr
#include <mutex>              // for mutex
#include <thread>             // for thread

namespace py = pybind11;

namespace {

constexpr std::chrono::milliseconds kPoll{50};

/// A body on its own thread, that can be waited for in short intervals.
class Worker {
public:
  Worker(const std::function<void(rebalance::Control &)> &body, rebalance::Control &control)
      : thread_([this, &body, &control] {
          try {
            body(control);
          } catch (...) {
            failure_ = std::current_exception();
          }
          const std::lock_guard<std::mutex> lock(mutex_);
          finished_ = true;
          ended_.notify_one();
        }) {}
  ~Worker() { thread_.join(); }

  bool ended_within(std::chrono::milliseconds time) {
    std::unique_lock<std::mutex> lock(mutex_);
    return ended_.wait_for(lock, time, [this] { return finished_; });
  }
  /// Only after the end.
  void rethrow() const {
    if (failure_)
      std::rethrow_exception(failure_);
  }

private:
  std::exception_ptr failure_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool finished_ = false;
  std::thread thread_; // last: it uses the members above
};

void look_up(const rebalance::Control &control, const py::object &progress) {
  if (PyErr_CheckSignals() != 0)
    throw py::error_already_set();
  if (!progress.is_none())
    progress(control.done.load(), control.total.load());
}

} // namespace

void run_watched(const std::function<void(rebalance::Control &)> &body,
                 const py::object &progress) {
  rebalance::Control control;
  const py::gil_scoped_release release;
  Worker worker(body, control);
  while (!worker.ended_within(kPoll)) {
    const py::gil_scoped_acquire acquire;
    try {
      look_up(control, progress);
    } catch (...) {
      control.stop = true;
      const py::gil_scoped_release wait_without_gil;
      worker.ended_within(std::chrono::hours(24));
      throw;
    }
  }
  worker.rethrow();
  const py::gil_scoped_acquire acquire;
  look_up(control, progress);
}
