#include "rebalance/fft_plan.hpp"

#include <algorithm> // for max
#include <cmath>     // for cos, sin
#include <stdexcept> // for invalid_argument
#include <string>    // for to_string

namespace rebalance {

namespace {

constexpr double kTwoPi = 6.283185307179586476925286766559;

// At least two stages, since the search fuses the first with the products and the last with the
// maximum. Radices 10 and 16, which would save a stage, were slower: too few registers.
std::vector<int> factorise(int length) {
  std::vector<int> radices;
  int rest = std::max(length, 1);
  for (const int radix : {8, 4, 2, 3, 5})
    while (rest % radix == 0 && radix != length) {
      radices.push_back(radix);
      rest /= radix;
    }
  if (length < 4 || rest != 1 || radices.size() > 16)
    throw std::invalid_argument("length of a transform must be a product of 2, 3 and 5, not " +
                                std::to_string(length));
  return radices;
}

// exp(2 pi i j p / n) for the butterflies of one stage on blocks of length n.
std::vector<float> stage_twiddles(int n, int radix) {
  std::vector<float> table;
  for (int j = 0; j < n / radix; ++j)
    for (int p = 1; p < radix; ++p) {
      const double angle = kTwoPi * j * p / n;
      table.push_back(static_cast<float>(std::cos(angle)));
      table.push_back(static_cast<float>(std::sin(angle)));
    }
  return table;
}

} // namespace

FftTables::FftTables(int length) {
  const std::vector<int> radices = factorise(length);
  plan_.length = length;
  plan_.n_stages = static_cast<int>(radices.size());
  // Decimation in frequency leaves output n at the place whose mixed-radix digits are reversed.
  output_at_.assign(static_cast<std::size_t>(length), 0);
  int n = length, weight = 1;
  for (std::size_t s = 0; s < radices.size(); ++s) {
    plan_.radix[s] = radices[s];
    twiddles_.push_back(stage_twiddles(n, radices[s]));
    const int part = n / radices[s];
    for (int place = 0; place < length; ++place)
      output_at_[static_cast<std::size_t>(place)] += weight * ((place % n) / part);
    weight *= radices[s];
    n = part;
  }
  position_.assign(static_cast<std::size_t>(length), 0);
  for (int place = 0; place < length; ++place)
    position_[static_cast<std::size_t>(output_at_[static_cast<std::size_t>(place)])] = place;
  for (std::size_t s = 0; s < radices.size(); ++s)
    plan_.twiddle[s] = twiddles_[s].data();
  plan_.position = position_.data();
}

} // namespace rebalance
