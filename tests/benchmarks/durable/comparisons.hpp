// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_COMPARISONS_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_COMPARISONS_HPP

// The rows that both stores have, of benchmarks with the sides "ours", "by_hand" and "service".

#include <cstddef>
#include <string>

#include "benchmarks/support/suite.hpp"
#include "benchmarks/support/table.hpp"

namespace nexus::idempotency::benchmarks {

[[nodiscard]] inline std::string with_threads(const std::string& what, std::size_t threads) {
  return what + ", " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
}

// What a store must come to beside the client written by hand.
inline void compare_with_hand(Suite& suite, const std::string& what, const std::string& benchmark) {
  suite.compare(
      {what, {benchmark, "ours"}, {benchmark, "by_hand"}, "by hand", Bar::at_least(0.95)});
  suite.compare({what + ": p50",
                 {benchmark, "ours_p50"},
                 {benchmark, "by_hand_p50"},
                 "by hand",
                 Bar::at_most(1.05),
                 Unit::microseconds});
  suite.compare({what + ": p99",
                 {benchmark, "ours_p99"},
                 {benchmark, "by_hand_p99"},
                 "by hand",
                 {},
                 Unit::microseconds});
}

// For information: with all that the service adds.
inline void show_service(Suite& suite, const std::string& what, const std::string& benchmark) {
  suite.compare({what + ", by the service",
                 {benchmark, "service"},
                 {benchmark, "by_hand"},
                 "by hand, no service",
                 {}});
}

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_COMPARISONS_HPP
