// Measures the single-precision product peak of one core: independent chains of multiply-add on
// vectors, as fast as the processor issues them. Prints the best of several runs, in Gflop/s.
#include <chrono>
#include <cstdio>

#if defined(__AVX512F__)
constexpr int kWidth = 16; // floats per vector
#elif defined(__AVX__)
constexpr int kWidth = 8;
#else
constexpr int kWidth = 4;
#endif
constexpr int kChains = 12; // enough to hide the latency, few enough for 16 registers
constexpr long kSteps = 10'000'000;
constexpr int kRuns = 15;

typedef float V __attribute__((vector_size(4 * kWidth)));

// Every chain starts at another value: equal ones would be computed once.
double run(float factor, float term, float *sum) {
  V chain[kChains], times{}, plus{};
  times += factor;
  plus += term;
  for (int c = 0; c < kChains; ++c)
    chain[c] = plus * static_cast<float>(c);
  const auto start = std::chrono::steady_clock::now();
  for (long step = 0; step < kSteps; ++step)
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c)
      chain[c] = chain[c] * times + plus;
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  for (const V &v : chain)
    for (int lane = 0; lane < kWidth; ++lane)
      *sum += v[lane];
  return 2.0 * kWidth * kChains * kSteps / taken.count() * 1e-9;
}

int main() {
  volatile float factor = 0.999f, term = 0.001f; // unknown to the compiler
  float sum = 0.0f;
  double best = 0.0;
  for (int i = 0; i < kRuns; ++i) {
    const double rate = run(factor, term, &sum);
    best = rate > best ? rate : best;
  }
  std::printf("%.3f\n", best);
  return sum == 0.0f; // and needs the sum
}
