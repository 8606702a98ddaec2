// SPDX-License-Identifier: MIT
#include "interleavings/referee.hpp"

#include <algorithm>
#include <variant>

namespace interleavings {

void Referee::restart() {
  calls_ = 0;
  history_.assign(1, Version{});
  executions_.clear();
  replayed_.clear();
  a_result_ended_ = false;
  violations_.clear();
}

Referee::Execution* Referee::execution_of(const AttemptToken& token) {
  const auto found = std::find_if(executions_.begin(), executions_.end(),
                                  [&](const Execution& e) { return e.attempt.token == token; });
  return found == executions_.end() ? nullptr : &*found;
}

Call Referee::begins(const RequestFingerprint& fingerprint) {
  Call call;
  call.kind = CallKind::begin;
  call.id = ++calls_;
  call.fingerprint = fingerprint;
  call.first_version = history_.size() - 1;
  return call;
}

Call Referee::begins(CallKind kind, const Attempt& attempt, Outcome outcome) {
  Call call;
  call.kind = kind;
  call.id = ++calls_;
  call.attempt = attempt;
  call.outcome = std::move(outcome);
  call.first_version = history_.size() - 1;
  if (kind == CallKind::complete || kind == CallKind::fail) {
    std::vector<Report>& reports = execution_of(attempt.token)->reports;
    const auto repeated = std::find_if(reports.begin(), reports.end(), [&](const Report& r) {
      return r.in_doubt && r.outcome == call.outcome;
    });
    if (repeated == reports.end()) {
      reports.push_back({call.outcome});
    } else {
      repeated->in_doubt = false;
    }
  }
  return call;
}

// Writes ------------------------------------------------------------------------------------

void Referee::wrote(const Call& call, const Op& op, const Stored& after) {
  const Stored before = history_.back().record;
  if (call.searched) violated("G5", "a call wrote after it had asked the query port");
  if (!after) {
    const Timestamp limit = call.kind == CallKind::purge ? op.before : *call.last_reading;
    if (before && !over(before->expires_at, limit)) {
      violated("G10", "a record was removed before its end");
    } else if (before && before->status == RecordStatus::completed) {
      a_result_ended_ = true;
    }
    history_.push_back({});
    return;
  }
  const bool claims = call.kind == CallKind::begin;
  if (claims) {
    check_claim(call, op, *after);
  } else {
    check_report(call, *after);
  }
  history_.push_back({after, claims ? call.id : history_.back().claimed_by});
  if (Execution* execution = execution_of(after->attempt_token)) {
    if (after->status != RecordStatus::pending) execution->at_work = false;
  }
}

void Referee::check_claim(const Call& call, const Op& op, const IdempotencyRecord& after) {
  const Stored& before = history_.back().record;
  if (before) {
    const Timestamp latest =
        saturating_subtract(call.last_reading.value_or(Timestamp{}), policy_.clock_skew_allowance);
    if (over(before->expires_at, latest)) {
      if (before->status == RecordStatus::completed) a_result_ended_ = true;
    } else if (before->status == RecordStatus::pending) {
      violated("G1", "a claim replaced another whose lease had not ended");
    } else if (before->status == RecordStatus::completed) {
      violated("G2", "a claim replaced a result that was still to be replayed");
    } else if (before->status == RecordStatus::failed &&
               (!policy_.allow_retry_after_fail || before->fingerprint != *call.fingerprint)) {
      violated("G2", "a claim replaced a failure that still stood");
    }
  } else if (op.kind == OpKind::save_if) {
    violated("G3", "a takeover wrote where the record that it was to replace is gone");
  }
  for (const Version& version : history_) {
    if (version.record && version.record->attempt_token == after.attempt_token &&
        version.claimed_by != call.id) {
      violated("G1", "two calls of begin claimed with one token");
    }
  }
  check_fence(call, after);
}

void Referee::check_fence(const Call& call, const IdempotencyRecord& after) {
  const bool absent = !history_.back().record;
  for (const Version& version : history_) {
    if (!version.record || version.record->fence < after.fence) continue;
    // Promised across a purge only if the caller has not stalled since before the purged record's
    // end.
    if (absent && !over(version.record->expires_at, *call.last_reading)) continue;
    violated("fence", "a later execution has no greater fence");
    return;
  }
}

void Referee::check_report(const Call& call, const IdempotencyRecord& after) {
  const Stored& before = history_.back().record;
  const Attempt& attempt = *call.attempt;
  if (!before || before->attempt_token != attempt.token) {
    violated("G3", "an attempt wrote to a record that is not, or no longer, its own");
    return;
  }
  if (before->status != RecordStatus::pending) {
    violated("G4", "an attempt's outcome was written over the one that it already had");
  }
  if (before->fingerprint != attempt.fingerprint || after.fingerprint != before->fingerprint) {
    violated("G3", "an attempt wrote under another fingerprint than it was begun with");
  }
  if (after.attempt_token != before->attempt_token || after.fence != before->fence ||
      after.created_at != before->created_at) {
    violated("G3", "a report changed the identity of the attempt");
  }
  if (policy_.late_completion == LateCompletion::reject &&
      over(before->expires_at, *call.last_reading)) {
    violated("G3", "a late report was written although the policy rejects it");
  }
}

// Work --------------------------------------------------------------------------------------

void Referee::works(const Attempt& attempt, Timestamp now) {
  Execution* self = execution_of(attempt.token);
  self->at_work = true;
  // A caller that has slept through its own lease is told so when it reports; nothing can stop it.
  if (over(self->attempt.lease_end, now)) return;
  for (const Execution& execution : executions_) {
    for (const Report& report : execution.reports) {
      if (report.acknowledged && report.outcome.status == RecordStatus::completed &&
          !over(report.stands_until, now)) {
        violated("G2", "the command was executed again after an acknowledged complete");
      }
    }
  }
}

void Referee::look(Timestamp now) {
  const auto live = std::count_if(executions_.begin(), executions_.end(), [&](const Execution& e) {
    return e.at_work && !over(e.attempt.lease_end, now);
  });
  if (live > 1) violated("G1", "two attempts are at work, and neither's lease has ended");
}

void Referee::settle(bool an_answer_was_lost) {
  std::vector<ResultEnvelope> told = replayed_;
  for (const Execution& execution : executions_) {
    std::vector<Outcome> acknowledged;
    for (const Report& report : execution.reports) {
      if (!report.acknowledged) continue;
      if (std::find(acknowledged.begin(), acknowledged.end(), report.outcome) ==
          acknowledged.end()) {
        acknowledged.push_back(report.outcome);
      }
      if (report.outcome.status == RecordStatus::completed) told.push_back(*report.outcome.result);
    }
    if (acknowledged.size() > 1) {
      violated("G4", "two different outcomes of one attempt were acknowledged");
    }
    const bool all_answered = std::all_of(execution.reports.begin(), execution.reports.end(),
                                          [](const Report& r) { return r.answered; });
    // Promised if the store answers. Where an answer was lost, the record tells the outcome as long
    // as nobody has taken over, and unless the read that is to show it lags: a stale
    // "nothing" can't be told from a purge.
    const std::size_t from = an_answer_was_lost ? history_.size() - 1 : 0;
    const bool recorded =
        !(an_answer_was_lost && lagging_) && some_version(from, [&](const Stored& r) {
          return r && r->attempt_token == execution.attempt.token && is_terminal(r->status);
        });
    if (all_answered && recorded && acknowledged.empty()) {
      violated("G4", "an outcome was recorded, and every caller who reported one was refused");
    }
  }
  const bool differ = std::any_of(told.begin(), told.end(),
                                  [&](const ResultEnvelope& r) { return !(r == told.front()); });
  if (differ && !a_result_ended_) {
    violated("G2", "callers were told different results of one command");
  }
}

void Referee::newcomer(const Call& call, const BeginDecision& decision) {
  if (std::holds_alternative<InProgress>(decision)) {
    violated("G11", "a newcomer has to wait although every lease has ended");
  }
  for (const Execution& execution : executions_) {
    if (execution.attempt.fingerprint != *call.fingerprint) continue;
    for (const Report& report : execution.reports) {
      if (!report.acknowledged || over(report.stands_until, *call.first_reading)) continue;
      if (report.outcome.status == RecordStatus::completed) {
        const auto* replay = std::get_if<Replay>(&decision);
        if (!replay || !(replay->result == *report.outcome.result)) {
          violated("G2", "an acknowledged result is not what a newcomer is told");
        }
      } else if (!policy_.allow_retry_after_fail &&
                 !std::holds_alternative<RetryNotAllowed>(decision)) {
        violated("G2", "an acknowledged failure is not what a newcomer is told");
      }
    }
  }
}

}  // namespace interleavings
