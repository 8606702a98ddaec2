// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_STORES_MILLISECONDS_HPP
#define NEXUS_IDEMPOTENCY_STORES_MILLISECONDS_HPP

// Waiting times as servers and poll() count them.

#include <algorithm>
#include <chrono>
#include <limits>

#include "nexus/idempotency/time.hpp"

namespace nexus::idempotency::stores {

// Returns: `duration` rounded up, at most what an int holds, which is 24 days.
[[nodiscard]] constexpr std::chrono::milliseconds milliseconds_up(Duration duration) noexcept {
  constexpr std::chrono::milliseconds most{std::numeric_limits<int>::max()};
  return duration > most ? most : std::chrono::ceil<std::chrono::milliseconds>(duration);
}

using Deadline = std::chrono::steady_clock::time_point;

[[nodiscard]] inline Deadline deadline_in(std::chrono::milliseconds time) noexcept {
  return std::chrono::steady_clock::now() + time;
}

// Returns: what is left until `deadline`, for poll(): not negative, and 0 only when it has passed.
[[nodiscard]] inline int milliseconds_until(Deadline deadline) noexcept {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(
      std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, std::numeric_limits<int>::max()));
}

}  // namespace nexus::idempotency::stores

#endif  // NEXUS_IDEMPOTENCY_STORES_MILLISECONDS_HPP
