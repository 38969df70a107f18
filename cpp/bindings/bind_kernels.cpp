#include "bindings.hpp"
#include "rebalance/kernels.hpp"

void bind_kernels(pybind11::module_ &module) {
  module.def(
      "instruction_set", [] { return rebalance::kernels().name; },
      "Name of the kernels in use: baseline, avx2 or avx512.");
}
