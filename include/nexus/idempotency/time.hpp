// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TIME_HPP
#define NEXUS_IDEMPOTENCY_TIME_HPP

// The one unit of time: microseconds, UTC. Every duration and every deadline of the library is in
// it, so that no two sides of a comparison can differ in unit or in resolution.

#include <chrono>
#include <optional>

namespace nexus::idempotency {
inline namespace v0 {

// A length of time in microseconds.
using Duration = std::chrono::microseconds;

// A point in time: microseconds since 1970-01-01 00:00:00 UTC, negative before.
using Timestamp = std::chrono::sys_time<Duration>;

// Returns: `t + d`, or the nearest end of the range of Timestamp where that does not fit.
[[nodiscard]] constexpr Timestamp saturating_add(Timestamp t, Duration d) noexcept {
  if (d > Duration::zero() && t > Timestamp::max() - d) return Timestamp::max();
  if (d < Duration::zero() && t < Timestamp::min() - d) return Timestamp::min();
  return t + d;
}

// Returns: `t - d`, or the nearest end of the range of Timestamp where that does not fit.
[[nodiscard]] constexpr Timestamp saturating_subtract(Timestamp t, Duration d) noexcept {
  if (d > Duration::zero() && t < Timestamp::min() + d) return Timestamp::min();
  if (d < Duration::zero() && t > Timestamp::max() + d) return Timestamp::max();
  return t - d;
}

// Returns: `later - earlier`, never negative, at most Duration::max().
[[nodiscard]] constexpr Duration saturating_time_left(Timestamp earlier, Timestamp later) noexcept {
  if (later <= earlier) return Duration::zero();
  if (earlier < Timestamp{} && later > Timestamp::max() + earlier.time_since_epoch()) {
    return Duration::max();
  }
  return later - earlier;
}

// Returns: the later of two deadlines; nullopt, "never", is later than any.
[[nodiscard]] constexpr std::optional<Timestamp> later_deadline(
    std::optional<Timestamp> a, std::optional<Timestamp> b) noexcept {
  if (!a || !b) return std::nullopt;
  return *a < *b ? b : a;
}

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_TIME_HPP
