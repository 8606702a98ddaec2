// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_STATISTICS_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_STATISTICS_HPP

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <vector>

namespace nexus::idempotency::benchmarks {

// Returns: the least value that a share of `share` (0 to 1) of them does not exceed.
[[nodiscard]] inline double quantile_of(std::vector<double> values, double share) {
  if (values.empty()) throw std::logic_error("nothing was measured");
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(values.size()));
  const auto place =
      values.begin() + static_cast<std::ptrdiff_t>(std::min(rank, values.size() - 1));
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

[[nodiscard]] inline double median_of(std::vector<double> values) {
  if (values.empty()) throw std::logic_error("nothing was measured");
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_STATISTICS_HPP
