// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_DECISION_HPP
#define NEXUS_IDEMPOTENCY_DECISION_HPP

// What `begin` can answer, and the pure function that decides it: stored record, request, time and
// policy in, verdict out. No store, no clock, no token is touched here.

#include <optional>
#include <string_view>
#include <variant>

#include "nexus/idempotency/attempt.hpp"
#include "nexus/idempotency/policy.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/result_envelope.hpp"
#include "nexus/idempotency/time.hpp"
#include "nexus/idempotency/values.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// Run the command now, then report with `complete` or `fail`. Only this answer holds the token.
struct FirstExecution {
  Attempt attempt;
};

// Don't run it: it has been done, this is its result.
struct Replay {
  ResultEnvelope result;
  Timestamp completed_at;
};

// Don't run it: another attempt holds the key. `retry_after` is the time until that lease may be
// taken over, never negative; nullopt: it has no end.
struct InProgress {
  std::optional<Duration> retry_after;
};

// Don't run it: the key was used for a request with another fingerprint.
struct Conflict {};

// Don't run it: it failed, and the policy forbids another try. `failure` is what `fail` recorded.
struct RetryNotAllowed {
  std::optional<ResultEnvelope> failure;
};

using BeginDecision = std::variant<FirstExecution, Replay, InProgress, Conflict, RetryNotAllowed>;

// What a stored record means for a request that finds it.
enum class Verdict {
  own_claim,          // it is this very call's claim, whose answer was lost
  replay,             // completed: hand out the result
  in_progress,        // another attempt holds the key
  conflict,           // the key belongs to another request
  retry_not_allowed,  // failed for good
  take_over,          // nobody holds it any more: claim it by a guarded write
};

[[nodiscard]] constexpr std::string_view to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::own_claim:
      return "own_claim";
    case Verdict::replay:
      return "replay";
    case Verdict::in_progress:
      return "in_progress";
    case Verdict::conflict:
      return "conflict";
    case Verdict::retry_not_allowed:
      return "retry_not_allowed";
    case Verdict::take_over:
      return "take_over";
  }
  return "unknown";
}

// Returns: whether a deadline has passed for a reader whose clock may be `allowance` ahead of the
// writer's. At the deadline itself it has not; without a deadline it never has.
[[nodiscard]] constexpr bool lapsed(std::optional<Timestamp> expires_at, Timestamp now,
                                    Duration allowance) noexcept {
  return expires_at.has_value() && saturating_subtract(now, allowance) > *expires_at;
}

// The decision table of `begin`, for a key that has a record.
// `own` is the token that this call of `begin` has drawn.
[[nodiscard]] inline Verdict judge(const IdempotencyRecord& stored,
                                   const RequestFingerprint& fingerprint, const AttemptToken& own,
                                   Timestamp now, const IdempotencyPolicy& policy) noexcept {
  if (lapsed(stored.expires_at, now, policy.clock_skew_allowance)) return Verdict::take_over;
  if (stored.status == RecordStatus::expired) return Verdict::take_over;
  if (stored.fingerprint != fingerprint) return Verdict::conflict;
  switch (stored.status) {
    case RecordStatus::completed:
      return Verdict::replay;
    case RecordStatus::failed:
      return policy.allow_retry_after_fail ? Verdict::take_over : Verdict::retry_not_allowed;
    case RecordStatus::pending:
      return stored.attempt_token == own ? Verdict::own_claim : Verdict::in_progress;
    case RecordStatus::expired:
      break;
  }
  return Verdict::in_progress;  // no such status: whatever it is, it must not execute
}

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_DECISION_HPP
