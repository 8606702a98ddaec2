// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_STATISTICS_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_STATISTICS_HPP

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <vector>

namespace nexus::idempotency::benchmarks {

// Returns: the value that a share of `quantile` (0 to 1) of them does not exceed; 0.5: the median.
[[nodiscard]] inline double quantile_of(std::vector<double> values, double quantile) {
  if (values.empty()) throw std::logic_error("nothing was measured");
  const auto rank = static_cast<std::size_t>(quantile * static_cast<double>(values.size()));
  const auto place =
      values.begin() + static_cast<std::ptrdiff_t>(std::min(rank, values.size() - 1));
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_STATISTICS_HPP
