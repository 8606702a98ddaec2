// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_BY_HAND_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_BY_HAND_HPP

// What the clients written by hand take and give: plain strings and numbers, times in microseconds.
// They keep to the same table as the library's stores and use nothing else of it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nexus::idempotency::benchmarks {

struct RawClaim {
  std::string_view client_key;  // tenant and operation are those of requests.hpp
  std::string_view fingerprint;
  std::string_view token;
  std::int64_t fence;
  std::int64_t now;
  std::int64_t expires_at;
};

// A row as it was read.
struct RawRecord {
  std::int64_t status;
  std::string fingerprint;
  std::string token;
  std::int64_t fence;
  std::optional<std::string> result;
  std::int64_t created_at;
  std::int64_t last_transition_at;
  std::optional<std::int64_t> expires_at;
};

inline constexpr std::int64_t raw_pending = 0;
inline constexpr std::int64_t raw_completed = 1;

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_BY_HAND_HPP
