// The parallel loop: every index once, exceptions out of it, stopping.
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "rebalance/parallel.hpp"

using rebalance::Control;
using rebalance::parallel_for;

namespace {

void every_index_comes_once() {
  for (const int threads : {1, 2, 3, 7}) {
    Control control;
    std::vector<int> count(100, 0);
    parallel_for(100, threads, control,
                 [&](std::int64_t i) { ++count[static_cast<std::size_t>(i)]; });
    CHECK(count == std::vector<int>(100, 1));
    parallel_for(0, threads, control, [](std::int64_t) { throw std::logic_error("no index"); });
  }
}

void first_exception_leaves_the_loop() {
  Control control;
  CHECK_THROWS(std::out_of_range, parallel_for(50, 3, control, [](std::int64_t i) {
                 if (i >= 20)
                   throw std::out_of_range("of the loop");
               }));
}

void nothing_runs_after_an_exception() {
  Control control;
  int runs = 0;
  CHECK_THROWS(std::out_of_range, parallel_for(50, 1, control, [&](std::int64_t i) {
                 ++runs;
                 if (i == 4)
                   throw std::out_of_range("of the loop");
               }));
  CHECK(runs == 5);
}

void stop_ends_the_loop() {
  Control control;
  int runs = 0;
  CHECK_THROWS(rebalance::Stopped, parallel_for(50, 1, control, [&](std::int64_t i) {
                 ++runs;
                 control.stop = i == 9;
               }));
  CHECK(runs == 10);
}

} // namespace

int main() {
  every_index_comes_once();
  first_exception_leaves_the_loop();
  nothing_runs_after_an_exception();
  stop_ends_the_loop();
  return check::result();
}
