// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_SYSTEM_CLOCK_HPP
#define NEXUS_IDEMPOTENCY_SYSTEM_CLOCK_HPP

#include <chrono>

#include "nexus/idempotency/detail/config.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/time.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// The host's wall clock: UTC, microseconds. It steps when the host's does; see
// IdempotencyPolicy::clock_skew_allowance. Thread-safety: safe.
class NEXUS_IDEMPOTENCY_API SystemClock final : public IdempotencyClock {
 public:
  [[nodiscard]] Timestamp now() override {
    return std::chrono::floor<Duration>(std::chrono::system_clock::now());
  }
};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_SYSTEM_CLOCK_HPP
