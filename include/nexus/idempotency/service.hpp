// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_SERVICE_HPP
#define NEXUS_IDEMPOTENCY_SERVICE_HPP

#include <optional>
#include <utility>

#include "nexus/idempotency/attempt.hpp"
#include "nexus/idempotency/decision.hpp"
#include "nexus/idempotency/detail/config.hpp"
#include "nexus/idempotency/detail/settle.hpp"
#include "nexus/idempotency/detail/token_source.hpp"
#include "nexus/idempotency/detail/transitions.hpp"
#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/policy.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/result_envelope.hpp"
#include "nexus/idempotency/time.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// The life of a command, as callers see it. To be mocked, wrapped or decorated.
//
// Errors of all four: StoreError from the store or the clock; std::bad_alloc.
class NEXUS_IDEMPOTENCY_API IdempotencyServiceInterface {
 public:
  virtual ~IdempotencyServiceInterface() = default;

  // Decides, in one atomic step, whether the caller may run the command.
  //
  // Effects: on FirstExecution the caller holds the key until `attempt.lease_end`; on every other
  //   answer it holds nothing, and no other caller's record was touched.
  // Returns: see BeginDecision. Only FirstExecution may run the command.
  // Errors: StoreErrc::in_doubt: the key may be held by this call, which nobody can report for, so
  //   it stays until its lease ends. It comes after the same claim was asked for three times.
  //   StoreErrc::contended: other callers won each of many rounds, or the policy's lease is too
  //   short to be handed out. StoreErrc::corrupt: the store answered with another key's record, or
  //   one that can't be right. IdempotencyError: the system gives no random bytes for the token.
  [[nodiscard]] virtual BeginDecision begin(const IdempotencyKey& key,
                                            const RequestFingerprint& fingerprint) = 0;

  // Records that the command took effect. May be repeated: the same attempt with the same result
  // succeeds again, so a caller that got no answer just calls again.
  //
  // Preconditions: `attempt` comes from `begin` or `renew`.
  // Effects: until the policy's completed_ttl has passed, every `begin` with the same fingerprint
  //   gets `result`. An error never releases the claim.
  // Errors: CompletionError: the outcome was refused, `reason()` says why. StoreErrc::in_doubt: it
  //   may have been recorded; repeat the call.
  virtual void complete(const Attempt& attempt, const ResultEnvelope& result) = 0;

  // Records that the command took no effect. May be repeated like `complete`.
  //
  // Preconditions: the command certainly took no effect; otherwise it would run twice.
  // Effects: the policy decides whether `begin` may run it again or answers RetryNotAllowed with
  //   `failure`.
  // Errors: as for `complete`.
  virtual void fail(const Attempt& attempt,
                    std::optional<ResultEnvelope> failure = std::nullopt) = 0;

  // Extends the lease to the policy's pending_ttl from now. Never shortens it.
  //
  // Returns: the attempt with its new lease end; the old one stays valid for reporting.
  // Errors: CompletionError: the lease was not extended; on `superseded` stop the work. As for
  //   `complete` otherwise.
  [[nodiscard]] virtual Attempt renew(const Attempt& attempt) = 0;
};

// The lifecycle over a store: a pure decision (decision.hpp) and one or two guarded store calls.
// It holds no state of its own: any number of services, in any number of processes and with
// different policies, may share a store.
// Thread-safety: safe if the ports are. Lifetimes: the ports must outlive the service.
class NEXUS_IDEMPOTENCY_API IdempotencyService final : public IdempotencyServiceInterface {
 public:
  // Errors: InvalidValueError if a duration of the policy is negative.
  IdempotencyService(IdempotencyQuery& query, IdempotencyPersist& persist, IdempotencyClock& clock,
                     IdempotencyPolicy policy = {})
      : query_(query), persist_(persist), clock_(clock), policy_(validated(policy)) {}
  IdempotencyService(IdempotencyStore& store, IdempotencyClock& clock,
                     IdempotencyPolicy policy = {})
      : IdempotencyService(store, store, clock, policy) {}
  IdempotencyService(const IdempotencyService&) = delete;
  IdempotencyService& operator=(const IdempotencyService&) = delete;

  [[nodiscard]] BeginDecision begin(const IdempotencyKey& key,
                                    const RequestFingerprint& fingerprint) override {
    detail::TokenSource& tokens = detail::TokenSource::of_this_thread();
    const detail::TokenBits own = tokens.draw();
    bool in_doubt = false;

    for (int round = 0; round < max_rounds; ++round) {
      const Timestamp now = clock_.now();
      const IdempotencyRecord candidate =
          detail::pending_record(key, fingerprint, own, 0, now, policy_.pending_ttl);
      ClaimPendingResult claim =
          detail::settle(2, in_doubt, [&] { return persist_.claim_pending(candidate); });
      if (claim.claimed_new()) {
        if (still_holds(candidate)) return FirstExecution{detail::attempt_of(candidate)};
        continue;
      }
      IdempotencyRecord& stored = *claim.existing;
      require_identity(stored, key);
      const Verdict verdict = judge(stored, fingerprint, candidate.attempt_token, now, policy_);
      if (verdict == Verdict::own_claim) {
        if (still_holds(stored)) return FirstExecution{detail::attempt_of(stored)};
        continue;
      }
      if (verdict == Verdict::take_over) {
        const IdempotencyRecord next =
            detail::pending_record(key, fingerprint, own, stored.fence, now, policy_.pending_ttl);
        if (take_over(stored, next, now, in_doubt) && still_holds(next)) {
          return FirstExecution{detail::attempt_of(next)};
        }
        continue;
      }
      // A definite "no" to the first question: the token went nowhere, so its bits, the dearest
      // part of a replay, serve the next call.
      if (round == 0 && !in_doubt) tokens.put_back(own);
      return answer_of(verdict, std::move(stored));
    }
    throw StoreError(StoreErrc::contended, "the key changed hands in every round of begin");
  }

  void complete(const Attempt& attempt, const ResultEnvelope& result) override {
    finish(attempt, RecordStatus::completed, result, policy_.completed_ttl);
  }

  void fail(const Attempt& attempt, std::optional<ResultEnvelope> failure = std::nullopt) override {
    finish(attempt, RecordStatus::failed, std::move(failure), policy_.failed_ttl);
  }

  [[nodiscard]] Attempt renew(const Attempt& attempt) override {
    Attempt renewed = attempt;
    const std::optional<ResultEnvelope> none;  // named: GCC 12 warns of a temporary, wrongly
    for (int tries = 0; tries < 2; ++tries) {
      const Timestamp now = clock_.now();
      const IdempotencyRecord next =
          detail::next_record(attempt, RecordStatus::pending, none, now, policy_.pending_ttl);
      write_or_explain(attempt, next, now);
      renewed.lease_end = later_deadline(attempt.lease_end, next.expires_at);
      // A call so slow that the new lease is over already: nobody should work under it.
      if (!lapsed(renewed.lease_end, clock_.now(), Duration{0})) return renewed;
    }
    throw CompletionError(CompletionFailure::lease_expired);
  }

 private:
  // Every lost round means that another caller won the key; so many in a row mean a store or a
  // policy (a lease of no length) that can't be worked with.
  static constexpr int max_rounds = 16;

  static IdempotencyPolicy validated(const IdempotencyPolicy& policy) {
    const auto negative = [](std::optional<Duration> d) { return d && *d < Duration::zero(); };
    if (negative(policy.pending_ttl)) throw InvalidValueError("pending_ttl must not be negative");
    if (negative(policy.completed_ttl)) {
      throw InvalidValueError("completed_ttl must not be negative");
    }
    if (negative(policy.failed_ttl)) throw InvalidValueError("failed_ttl must not be negative");
    if (negative(policy.clock_skew_allowance)) {
      throw InvalidValueError("clock_skew_allowance must not be negative");
    }
    return policy;
  }

  static void require_identity(const IdempotencyRecord& stored, const IdempotencyKey& key) {
    if (!(stored.key == key)) {
      throw StoreError(StoreErrc::corrupt, "the store answered with another key's record");
    }
  }

  // Returns: whether a claim that has just been won is worth handing out: the store call may have
  // taken longer than the lease lasts, and then another caller may have it already.
  bool still_holds(const IdempotencyRecord& claim) {
    return !lapsed(claim.expires_at, clock_.now(), policy_.clock_skew_allowance);
  }

  // Returns: the time that a store is to judge a lease by.
  [[nodiscard]] Timestamp judging_time(Timestamp now) const {
    return saturating_subtract(now, policy_.clock_skew_allowance);
  }

  // Returns: whether `next` has replaced exactly the record that was judged.
  bool take_over(const IdempotencyRecord& stored, const IdempotencyRecord& next, Timestamp now,
                 bool& in_doubt) {
    const bool by_lapse = lapsed(stored.expires_at, now, policy_.clock_skew_allowance);
    const WriteGuard guard{stored.attempt_token, stored.fingerprint, stored.status,
                           by_lapse ? LeaseCondition::lapsed : LeaseCondition::any,
                           judging_time(now)};
    return detail::settle(2, in_doubt, [&] { return persist_.save_if(guard, next); });
  }

  BeginDecision answer_of(Verdict verdict, IdempotencyRecord&& stored) {
    switch (verdict) {
      case Verdict::replay:
        if (!stored.result) {
          throw StoreError(StoreErrc::corrupt, "a completed record has no result");
        }
        return Replay{*std::move(stored.result), stored.last_transition_at};
      case Verdict::conflict:
        return Conflict{};
      case Verdict::retry_not_allowed:
        return RetryNotAllowed{std::move(stored.result)};
      default:
        return InProgress{time_until_takeover(stored)};
    }
  }

  // Reads the clock once more: the owner may have read it after this call did, and then the time
  // that was judged by is before the lease, which would seem longer than it is.
  std::optional<Duration> time_until_takeover(const IdempotencyRecord& stored) {
    if (!stored.expires_at) return std::nullopt;
    return saturating_time_left(clock_.now(),
                                saturating_add(*stored.expires_at, policy_.clock_skew_allowance));
  }

  void finish(const Attempt& attempt, RecordStatus status, std::optional<ResultEnvelope> result,
              std::optional<Duration> ttl) {
    const Timestamp now = clock_.now();
    write_or_explain(attempt, detail::next_record(attempt, status, std::move(result), now, ttl),
                     now);
  }

  // Effects: replaces the attempt's own open record by `next`. Returns if it did, or if that very
  // outcome is recorded already.
  // Errors: as of complete.
  void write_or_explain(const Attempt& attempt, const IdempotencyRecord& next, Timestamp now) {
    const bool reject_late = policy_.late_completion == LateCompletion::reject;
    RecordStatus open = RecordStatus::pending;  // no constant, see detail::pending_record
    const WriteGuard guard{attempt.token, attempt.fingerprint, open,
                           reject_late ? LeaseCondition::live : LeaseCondition::any,
                           judging_time(now)};
    bool in_doubt = false;
    if (detail::settle(1, in_doubt, [&] { return persist_.save_if(guard, next); })) return;

    // Refused. Nothing is written any more: what follows only finds the reason.
    const std::optional<IdempotencyRecord> stored =
        detail::settle(0, in_doubt, [&] { return query_.find(attempt.key); });
    if (!stored && in_doubt) throw stale_read();  // the lost answer may have been "done"
    if (!stored) throw CompletionError(CompletionFailure::missing);
    require_identity(*stored, attempt.key);
    if (stored->attempt_token != attempt.token) {
      if (stored->fence >= attempt.fence) throw CompletionError(CompletionFailure::superseded);
      throw stale_read();
    }
    if (stored->status != RecordStatus::pending) {
      if (stored->status == next.status && stored->result == next.result) return;
      throw CompletionError(CompletionFailure::not_open);
    }
    if (stored->fingerprint != attempt.fingerprint) {
      throw CompletionError(CompletionFailure::fingerprint_mismatch);
    }
    if (reject_late && lapsed(stored->expires_at, now, policy_.clock_skew_allowance)) {
      throw CompletionError(CompletionFailure::lease_expired);
    }
    throw stale_read();
  }

  static StoreError stale_read() {
    return {StoreErrc::in_doubt, "the write was refused, but a stale read does not show why"};
  }

  IdempotencyQuery& query_;
  IdempotencyPersist& persist_;
  IdempotencyClock& clock_;
  const IdempotencyPolicy policy_;
};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_SERVICE_HPP
