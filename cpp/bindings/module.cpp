#include "bindings.hpp"

PYBIND11_MODULE(_core, module) {
  module.doc() = "Compiled core of rebalance: sizes and numbers only, no files.";
  bind_kernels(module);
  bind_polar_rings(module);
  bind_pair_search(module);
  bind_common_lines(module);
  bind_draw(module);
  bind_star_rows(module);
  bind_superclass_tree(module);
}
