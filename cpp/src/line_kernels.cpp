#include "rebalance/line_kernels.hpp"

#include <string> // for string

#include "rebalance/kernels.hpp"

namespace rebalance {

namespace baseline {
extern const LineKernels line_table_kernels;
}
#ifdef REBALANCE_X86
namespace avx2 {
extern const LineKernels line_table_kernels;
}
namespace avx512 {
extern const LineKernels line_table_kernels;
}
#endif

const LineKernels &line_kernels() {
#ifdef REBALANCE_X86
  const std::string name = kernels().name;
  if (name == "avx512")
    return avx512::line_table_kernels;
  if (name == "avx2")
    return avx2::line_table_kernels;
#endif
  return baseline::line_table_kernels;
}

} // namespace rebalance
