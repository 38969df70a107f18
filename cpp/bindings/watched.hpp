// Runs a long computation so that Ctrl-C and progress work.
#pragma once

#include <pybind11/pybind11.h>

#include <functional>

#include "rebalance/control.hpp"

/// Runs body(control) on a thread of its own with the GIL released. Meanwhile this thread looks
/// for signals and calls progress(done, total), unless it is None, a few times a second. A signal
/// handler or callback that raises stops the computation, and its exception is the one that
/// leaves.
void run_watched(const std::function<void(rebalance::Control &)> &body,
                 const pybind11::object &progress);
