// SPDX-License-Identifier: MIT
// Is each answer that a caller gets a right one?
#include <algorithm>
#include <variant>

#include "interleavings/referee.hpp"

namespace interleavings {

// A record that ended before this had lapsed for the call from its start.
Timestamp Referee::earliest_end(const Call& call) const {
  return saturating_subtract(call.first_reading.value_or(Timestamp::min()),
                             policy_.clock_skew_allowance);
}

void Referee::answered(const Call& call, const BeginDecision& decision) {
  const Timestamp since = earliest_end(call);
  const auto seen = [&](auto predicate) {
    return some_version(call.first_version, [&](const Stored& stored) {
      return stored && !over(stored->expires_at, since) && predicate(*stored);
    });
  };
  const bool same_request = seen([&](auto& r) { return r.fingerprint == *call.fingerprint; });

  if (const auto* first = std::get_if<FirstExecution>(&decision)) {
    const Attempt& attempt = first->attempt;
    const bool recorded = seen([&](const IdempotencyRecord& r) {
      return r.status == RecordStatus::pending && r.attempt_token == attempt.token &&
             r.fence == attempt.fence && r.fingerprint == *call.fingerprint &&
             r.fingerprint == attempt.fingerprint && r.expires_at == attempt.lease_end;
    });
    if (!recorded) violated("G1", "an execution was handed out that no record stands for");
    const auto latest = saturating_subtract(call.last_reading.value_or(Timestamp::min()),
                                            policy_.clock_skew_allowance);
    if (over(attempt.lease_end, latest)) {
      violated("G1", "an execution was handed out whose lease had ended");
    }
    if (!call.looked) {
      violated("G1", "an execution was handed out without a look at the clock after the claim");
    }
    executions_.push_back({attempt});
    return;
  }
  const Version& now = history_.back();
  if (now.claimed_by == call.id && now.record && now.record->status == RecordStatus::pending) {
    violated("own claim", "begin turned its caller away from the caller's own claim");
  }
  if (const auto* replay = std::get_if<Replay>(&decision)) {
    check_replay(call, *replay);
  } else if (const auto* wait = std::get_if<InProgress>(&decision)) {
    const bool right =
        same_request && seen([&](const IdempotencyRecord& r) {
          if (r.status != RecordStatus::pending || r.fingerprint != *call.fingerprint) return false;
          if (!r.expires_at || !wait->retry_after) return !r.expires_at && !wait->retry_after;
          const Duration longest = *r.expires_at - since;
          return *wait->retry_after >= Duration{0} && *wait->retry_after <= longest;
        });
    if (!right) violated("answer", "InProgress, but no attempt of this request was open");
  } else if (std::holds_alternative<Conflict>(decision)) {
    if (!seen([&](const IdempotencyRecord& r) { return r.fingerprint != *call.fingerprint; })) {
      violated("answer", "Conflict, but no other request held the key");
    }
  } else if (const auto* refusal = std::get_if<RetryNotAllowed>(&decision)) {
    const bool right = !policy_.allow_retry_after_fail && seen([&](const IdempotencyRecord& r) {
      return r.status == RecordStatus::failed && r.fingerprint == *call.fingerprint &&
             r.result == refusal->failure;
    });
    if (!right) violated("answer", "RetryNotAllowed, but no such failure stood");
  }
}

void Referee::check_replay(const Call& call, const Replay& replay) {
  const bool recorded = some_version(call.first_version, [&](const Stored& r) {
    return r && r->status == RecordStatus::completed && r->fingerprint == *call.fingerprint &&
           r->result == replay.result && r->last_transition_at == replay.completed_at &&
           !over(r->expires_at, earliest_end(call));
  });
  if (!recorded) violated("G2", "a replay is not the result that was recorded");
  replayed_.push_back(replay.result);
}

Referee::Report& Referee::report_of(const Call& call) {
  Execution* execution = execution_of(call.attempt->token);
  const auto found =
      std::find_if(execution->reports.begin(), execution->reports.end(), [&](const Report& report) {
        return report.outcome == call.outcome && !report.answered && !report.in_doubt;
      });
  return *found;
}

void Referee::acknowledged(const Call& call) {
  const bool recorded = some_version(0, [&](const Stored& r) {
    return r && r->attempt_token == call.attempt->token && r->status == call.outcome.status &&
           r->result == call.outcome.result;
  });
  if (!recorded) violated("G4", "an outcome was acknowledged that was not recorded");
  Report& report = report_of(call);
  report.answered = true;
  report.acknowledged = true;
  const auto ttl = call.kind == CallKind::complete ? policy_.completed_ttl : policy_.failed_ttl;
  if (ttl) report.stands_until = saturating_add(*call.first_reading, *ttl);
}

void Referee::renewed(const Call& call, const Attempt& attempt) {
  if (over(attempt.lease_end, *call.last_reading)) {
    violated("G1", "a renewal was acknowledged whose lease had ended");
  }
  if (!call.looked) {
    violated("G1", "a renewal was acknowledged without a look at the clock after it");
  }
  Execution* execution = execution_of(attempt.token);
  auto& lease_end = execution->attempt.lease_end;
  if (!lease_end || !attempt.lease_end) {
    lease_end.reset();
  } else {
    lease_end = std::max(*lease_end, *attempt.lease_end);
  }
}

void Referee::refused(const Call& call, CompletionFailure reason) {
  const Attempt& attempt = *call.attempt;
  // What a lagging read shows may be older than the call.
  const std::size_t from = lagging_ ? 0 : call.first_version;
  const auto own = [&](auto predicate) {
    return some_version(from, [&](const Stored& r) {
      return r && r->attempt_token == attempt.token && predicate(*r);
    });
  };
  bool right = false;
  switch (reason) {
    case CompletionFailure::missing:
      right = some_version(from, [](const Stored& r) { return !r; });
      break;
    case CompletionFailure::superseded:
      right = some_version(from, [&](const Stored& r) {
        return r && r->attempt_token != attempt.token && r->fence >= attempt.fence;
      });
      break;
    case CompletionFailure::not_open:
      right = own([&](const IdempotencyRecord& r) {
        return is_terminal(r.status) &&
               (call.kind == CallKind::renew || call.outcome != Outcome{r.status, r.result});
      });
      break;
    case CompletionFailure::fingerprint_mismatch:
      right = own([&](const IdempotencyRecord& r) { return r.fingerprint != attempt.fingerprint; });
      break;
    case CompletionFailure::lease_expired:
      right = (call.kind == CallKind::renew || policy_.late_completion == LateCompletion::reject) &&
              own([&](const IdempotencyRecord& r) {
                return r.status == RecordStatus::pending && over(r.expires_at, *call.last_reading);
              });
      break;
  }
  if (!right) violated("answer", "a report was refused for a reason that was never true");
  if (call.kind != CallKind::renew) report_of(call).answered = true;
}

void Referee::unanswered(const Call& call) {
  if (call.kind == CallKind::complete || call.kind == CallKind::fail) {
    report_of(call).in_doubt = true;
  }
}

}  // namespace interleavings
