// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_POLICY_HPP
#define NEXUS_IDEMPOTENCY_POLICY_HPP

#include <chrono>
#include <optional>
#include <string_view>

#include "nexus/idempotency/time.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// What happens to an outcome that its owner reports after its lease has ended, while nobody has
// taken the key over.
enum class LateCompletion {
  accept,  // it is recorded: refusing it would make a second execution certain
  reject,  // CompletionFailure::lease_expired: for work whose late effect is undone elsewhere
};

[[nodiscard]] constexpr std::string_view to_string(LateCompletion value) noexcept {
  switch (value) {
    case LateCompletion::accept:
      return "accept";
    case LateCompletion::reject:
      return "reject";
  }
  return "unknown";
}

// How long things last. It is applied when a record is written, as an absolute deadline in the
// record: changing a policy never touches a lease that another process already holds.
// Durations are microseconds; nullopt means for ever, zero means no time at all; a negative one is
// refused by the service's constructor with InvalidValueError.
struct IdempotencyPolicy {
  // The lease of an execution. Longer than the slowest execution, or renewed during it; after it,
  // another caller takes the key over and executes.
  std::optional<Duration> pending_ttl = std::chrono::minutes{15};
  // Whether a failed command may be executed again, under the same fingerprint.
  bool allow_retry_after_fail = true;
  // How long a result is replayed. After it, the key is free for a new execution.
  std::optional<Duration> completed_ttl = std::chrono::hours{24};
  // How long a failure stands: it is refused so long if retry is not allowed, and refuses another
  // fingerprint so long if it is. A record without a deadline is never purged.
  std::optional<Duration> failed_ttl = std::nullopt;
  LateCompletion late_completion = LateCompletion::accept;
  // How much the clocks of the processes that share the store may differ: every expiry is judged
  // this much past its deadline, be it by another caller or, under LateCompletion::reject, by the
  // owner.
  Duration clock_skew_allowance{0};
};

// How long a lapsed record is kept before it may be purged, so that a slow owner still finds it:
// callers of IdempotencyPersist::purge_expired pass `now - retention_grace`.
inline constexpr Duration retention_grace = std::chrono::hours{1};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_POLICY_HPP
