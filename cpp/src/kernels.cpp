#include "rebalance/kernels.hpp"

#include <cstdlib>   // for getenv
#include <stdexcept> // for invalid_argument
#include <string>    // for string

namespace rebalance {

namespace baseline {
extern const Kernels table;
}
#ifdef REBALANCE_X86
namespace avx2 {
extern const Kernels table;
}
namespace avx512 {
extern const Kernels table;
}
#endif

namespace {

bool runs(const std::string &name) {
#ifdef REBALANCE_X86
  if (name == "avx512")
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("fma");
  if (name == "avx2")
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return name == "baseline";
}

const Kernels *find(const std::string &name) {
#ifdef REBALANCE_X86
  if (name == "avx512")
    return &avx512::table;
  if (name == "avx2")
    return &avx2::table;
#endif
  return name == "baseline" ? &baseline::table : nullptr;
}

const Kernels &fastest() {
  for (const char *name : {"avx512", "avx2"})
    if (runs(name) && find(name) != nullptr)
      return *find(name);
  return baseline::table;
}

} // namespace

const Kernels &kernels() {
  const char *asked = std::getenv("REBALANCE_ISA");
  if (asked == nullptr || *asked == '\0')
    return fastest();
  const Kernels *found = find(asked);
  if (found == nullptr || !runs(asked))
    throw std::invalid_argument("REBALANCE_ISA must name kernels that this processor runs "
                                "(baseline, avx2 or avx512), not '" +
                                std::string(asked) + "'; unset it to use the fastest");
  return *found;
}

} // namespace rebalance
