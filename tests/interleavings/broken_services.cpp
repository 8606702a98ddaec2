// SPDX-License-Identifier: MIT
#include "interleavings/broken_services.hpp"

#include <string>
#include <utility>

#include "nexus/idempotency/detail/token_source.hpp"
#include "nexus/idempotency/detail/transitions.hpp"

namespace interleavings {
namespace {

// The real service, of which one part is done wrongly.
class Broken : public IdempotencyServiceInterface {
 public:
  Broken(Simulation& simulation, const IdempotencyPolicy& policy)
      : simulation_(simulation),
        policy_(policy),
        real_(simulation.query(), simulation.persist(), simulation.clock(), policy) {}

  BeginDecision begin(const IdempotencyKey& key, const RequestFingerprint& fingerprint) override {
    return real_.begin(key, fingerprint);
  }
  void complete(const Attempt& attempt, const ResultEnvelope& result) override {
    real_.complete(attempt, result);
  }
  void fail(const Attempt& attempt, std::optional<ResultEnvelope> failure) override {
    real_.fail(attempt, std::move(failure));
  }
  Attempt renew(const Attempt& attempt) override { return real_.renew(attempt); }

 protected:
  Timestamp now() { return simulation_.clock().now(); }
  IdempotencyRecord candidate(const IdempotencyKey& key, const RequestFingerprint& fingerprint,
                              std::uint64_t previous_fence, Timestamp at) {
    const detail::TokenBits token = detail::TokenSource::of_this_thread().draw();
    return detail::pending_record(key, fingerprint, token, previous_fence, at, policy_.pending_ttl);
  }
  // A lease that is over by now is not handed out: no other mistake is to hide the one made.
  BeginDecision hand_out(const IdempotencyRecord& claim) {
    if (lapsed(claim.expires_at, now(), policy_.clock_skew_allowance)) {
      return begin(claim.key, claim.fingerprint);
    }
    return FirstExecution{detail::attempt_of(claim)};
  }
  // The answer for a record that cannot be claimed.
  BeginDecision answer(const IdempotencyRecord& stored, const RequestFingerprint& fingerprint,
                       Timestamp at) {
    if (stored.fingerprint != fingerprint) return Conflict{};
    if (stored.status == RecordStatus::completed) {
      return Replay{*stored.result, stored.last_transition_at};
    }
    if (stored.status == RecordStatus::failed) return RetryNotAllowed{stored.result};
    if (!stored.expires_at) return InProgress{};
    return InProgress{saturating_time_left(at, *stored.expires_at)};
  }
  bool is_over(const IdempotencyRecord& stored, const RequestFingerprint& fingerprint,
               Timestamp at) {
    const AttemptToken nobody("nobody");
    return judge(stored, fingerprint, nobody, at, policy_) == Verdict::take_over;
  }

  Simulation& simulation_;
  const IdempotencyPolicy policy_;

 private:
  IdempotencyService real_;
};

class BeginByFindDeleteClaim final : public Broken {
 public:
  using Broken::Broken;
  BeginDecision begin(const IdempotencyKey& key, const RequestFingerprint& fingerprint) override {
    const Timestamp at = now();
    const Stored there = simulation_.perform({OpKind::peek}).seen;
    if (there && is_over(*there, fingerprint, at)) simulation_.perform({OpKind::remove});
    const IdempotencyRecord claim = candidate(key, fingerprint, there ? there->fence : 0, at);
    const ClaimPendingResult result = simulation_.persist().claim_pending(claim);
    if (result.claimed_new()) return hand_out(claim);
    return answer(*result.existing, fingerprint, at);
  }
};

class BeginByTheQueryPort final : public Broken {
 public:
  using Broken::Broken;
  BeginDecision begin(const IdempotencyKey& key, const RequestFingerprint& fingerprint) override {
    const Timestamp at = now();
    const Stored there = simulation_.query().find(key);
    if (there && !is_over(*there, fingerprint, at)) return answer(*there, fingerprint, at);
    const IdempotencyRecord claim = candidate(key, fingerprint, there ? there->fence : 0, at);
    simulation_.perform({OpKind::put, claim});
    return hand_out(claim);
  }
};

class ReportByFindSave final : public Broken {
 public:
  using Broken::Broken;
  void complete(const Attempt& attempt, const ResultEnvelope& result) override {
    report(attempt, RecordStatus::completed, result, policy_.completed_ttl);
  }
  void fail(const Attempt& attempt, std::optional<ResultEnvelope> failure) override {
    report(attempt, RecordStatus::failed, std::move(failure), policy_.failed_ttl);
  }

 private:
  void report(const Attempt& attempt, RecordStatus status, std::optional<ResultEnvelope> result,
              std::optional<Duration> ttl) {
    const Timestamp at = now();
    const Stored there = simulation_.perform({OpKind::peek}).seen;
    if (!there) throw CompletionError(CompletionFailure::missing);
    if (there->attempt_token != attempt.token) {
      throw CompletionError(CompletionFailure::superseded);
    }
    const IdempotencyRecord next = detail::next_record(attempt, status, std::move(result), at, ttl);
    if (there->status != RecordStatus::pending) {
      if (there->status == next.status && there->result == next.result) return;
      throw CompletionError(CompletionFailure::not_open);
    }
    simulation_.perform({OpKind::put, next});
  }
};

class UnrepeatableReports final : public Broken {
 public:
  using Broken::Broken;
  void complete(const Attempt& attempt, const ResultEnvelope& result) override {
    const Timestamp at = now();
    const IdempotencyRecord next =
        detail::next_record(attempt, RecordStatus::completed, result, at, policy_.completed_ttl);
    const WriteGuard guard{attempt.token, attempt.fingerprint, RecordStatus::pending};
    if (!simulation_.persist().save_if(guard, next)) {
      throw CompletionError(CompletionFailure::not_open);
    }
  }
};

// The real service over ports of which one lies.
class OverLyingPorts : public IdempotencyPersist, public IdempotencyClock {
 public:
  OverLyingPorts(Simulation& simulation) : simulation_(simulation) {}
  ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    return simulation_.persist().claim_pending(candidate);
  }
  bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override {
    return simulation_.persist().save_if(guard, next);
  }
  std::size_t purge_expired(Timestamp before, std::size_t limit) override {
    return simulation_.persist().purge_expired(before, limit);
  }
  Timestamp now() override { return simulation_.clock().now(); }

 protected:
  Simulation& simulation_;
};

class ForeignClaims final : public OverLyingPorts {
 public:
  using OverLyingPorts::OverLyingPorts;
  ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    ClaimPendingResult result = OverLyingPorts::claim_pending(candidate);
    if (result.existing && result.existing->attempt_token == candidate.attempt_token) {
      result.existing->attempt_token = AttemptToken("somebody else");
    }
    return result;
  }
};

// Within one call, time stands still.
class OneReadingACall final : public OverLyingPorts {
 public:
  using OverLyingPorts::OverLyingPorts;
  Timestamp now() override {
    if (const auto reading = simulation_.call().first_reading) return *reading;
    return OverLyingPorts::now();
  }
};

template <class Ports>
class ServiceOver final : public IdempotencyServiceInterface {
 public:
  ServiceOver(Simulation& simulation, const IdempotencyPolicy& policy)
      : ports_(simulation), real_(simulation.query(), ports_, ports_, policy) {}
  BeginDecision begin(const IdempotencyKey& key, const RequestFingerprint& fingerprint) override {
    return real_.begin(key, fingerprint);
  }
  void complete(const Attempt& attempt, const ResultEnvelope& result) override {
    real_.complete(attempt, result);
  }
  void fail(const Attempt& attempt, std::optional<ResultEnvelope> failure) override {
    real_.fail(attempt, std::move(failure));
  }
  Attempt renew(const Attempt& attempt) override { return real_.renew(attempt); }

 private:
  Ports ports_;
  IdempotencyService real_;
};

}  // namespace

std::unique_ptr<IdempotencyServiceInterface> begin_by_find_delete_claim(
    Simulation& simulation, const IdempotencyPolicy& policy) {
  return std::make_unique<BeginByFindDeleteClaim>(simulation, policy);
}
std::unique_ptr<IdempotencyServiceInterface> begin_by_the_query_port(
    Simulation& simulation, const IdempotencyPolicy& policy) {
  return std::make_unique<BeginByTheQueryPort>(simulation, policy);
}
std::unique_ptr<IdempotencyServiceInterface> without_own_claim(Simulation& simulation,
                                                               const IdempotencyPolicy& policy) {
  return std::make_unique<ServiceOver<ForeignClaims>>(simulation, policy);
}
std::unique_ptr<IdempotencyServiceInterface> with_dead_leases(Simulation& simulation,
                                                              const IdempotencyPolicy& policy) {
  return std::make_unique<ServiceOver<OneReadingACall>>(simulation, policy);
}
std::unique_ptr<IdempotencyServiceInterface> report_by_find_save(Simulation& simulation,
                                                                 const IdempotencyPolicy& policy) {
  return std::make_unique<ReportByFindSave>(simulation, policy);
}
std::unique_ptr<IdempotencyServiceInterface> unrepeatable_reports(Simulation& simulation,
                                                                  const IdempotencyPolicy& policy) {
  return std::make_unique<UnrepeatableReports>(simulation, policy);
}
std::unique_ptr<IdempotencyServiceInterface> without_skew_allowance(
    Simulation& simulation, const IdempotencyPolicy& policy) {
  IdempotencyPolicy without = policy;
  without.clock_skew_allowance = Duration{0};
  return std::make_unique<IdempotencyService>(simulation.query(), simulation.persist(),
                                              simulation.clock(), without);
}

}  // namespace interleavings
