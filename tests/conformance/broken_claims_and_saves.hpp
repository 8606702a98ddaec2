// SPDX-License-Identifier: MIT
// Stores with one defect each in `find`, `claim_pending` or `save_if`.
#pragma once

#include <algorithm>
#include <cctype>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "conformance/model_store.hpp"

namespace conformance {

inline std::string folded(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}
inline std::string cut_at_nul(std::string_view text) {
  return std::string(text.substr(0, text.find('\0')));
}

// find and claim_pending

struct FindInserts final : ModelStore {
  using ModelStore::ModelStore;
  std::optional<IdempotencyRecord> find(const IdempotencyKey& key) override {
    if (auto found = ModelStore::find(key)) return found;
    (void)ModelStore::claim_pending({key,
                                     RecordStatus::expired,
                                     RequestFingerprint("none"),
                                     AttemptToken("none"),
                                     0,
                                     {},
                                     {},
                                     {},
                                     {}});
    return std::nullopt;
  }
};

struct ClaimOverwrites final : ModelStore {
  using ModelStore::ModelStore;
  bool may_claim(const IdempotencyRecord&, const IdempotencyRecord&) const override { return true; }
};

struct ClaimOverwritesFailed final : ModelStore {
  using ModelStore::ModelStore;
  bool may_claim(const IdempotencyRecord& stored, const IdempotencyRecord&) const override {
    return stored.status == RecordStatus::failed;
  }
};

struct ClaimJudgesDeadlines final : ModelStore {
  using ModelStore::ModelStore;
  bool may_claim(const IdempotencyRecord& stored,
                 const IdempotencyRecord& candidate) const override {
    return stored.expires_at && *stored.expires_at < candidate.created_at;
  }
};

struct ClaimTakesItsRepeatForNew final : ModelStore {
  using ModelStore::ModelStore;
  bool may_claim(const IdempotencyRecord& stored,
                 const IdempotencyRecord& candidate) const override {
    return stored.attempt_token == candidate.attempt_token;
  }
};

struct ClaimReturnsCandidate final : ModelStore {
  using ModelStore::ModelStore;
  ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    auto answer = ModelStore::claim_pending(candidate);
    if (answer.existing) answer.existing = candidate;
    return answer;
  }
};

struct ClaimDropsTheDeadline final : ModelStore {
  using ModelStore::ModelStore;
  ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    IdempotencyRecord endless = candidate;
    endless.expires_at = std::nullopt;
    return ModelStore::claim_pending(endless);
  }
};

struct ClaimNotAtomic final : ModelStore {
  using ModelStore::ModelStore;
  void before_claim(Lock& lock) override { let_others_in(lock); }
};

// the guard of save_if

struct GuardIgnored final : ModelStore {
  using ModelStore::ModelStore;
  bool same_token(const WriteGuard&, const IdempotencyRecord&) const override { return true; }
  bool same_fingerprint(const WriteGuard&, const IdempotencyRecord&) const override { return true; }
  bool same_status(const WriteGuard&, const IdempotencyRecord&) const override { return true; }
  bool lease_holds(const WriteGuard&, const IdempotencyRecord&) const override { return true; }
};

struct TokenNotCompared final : ModelStore {
  using ModelStore::ModelStore;
  bool same_token(const WriteGuard&, const IdempotencyRecord&) const override { return true; }
};

struct TokenCaseFolded final : ModelStore {
  using ModelStore::ModelStore;
  bool same_token(const WriteGuard& guard, const IdempotencyRecord& stored) const override {
    return folded(guard.attempt_token.value()) == folded(stored.attempt_token.value());
  }
};

struct FingerprintNotCompared final : ModelStore {
  using ModelStore::ModelStore;
  bool same_fingerprint(const WriteGuard&, const IdempotencyRecord&) const override { return true; }
};

struct FingerprintComparedToNul final : ModelStore {
  using ModelStore::ModelStore;
  bool same_fingerprint(const WriteGuard& guard, const IdempotencyRecord& stored) const override {
    return cut_at_nul(guard.fingerprint.value()) == cut_at_nul(stored.fingerprint.value());
  }
};

struct StatusNotCompared final : ModelStore {
  using ModelStore::ModelStore;
  bool same_status(const WriteGuard&, const IdempotencyRecord&) const override { return true; }
};

struct FailedTakenForExpired final : ModelStore {
  using ModelStore::ModelStore;
  bool same_status(const WriteGuard& guard, const IdempotencyRecord& stored) const override {
    return ModelStore::same_status(guard, stored) ||
           (guard.status == RecordStatus::failed && stored.status == RecordStatus::expired);
  }
};

struct LeaseNotCompared final : ModelStore {
  using ModelStore::ModelStore;
  bool lease_holds(const WriteGuard&, const IdempotencyRecord&) const override { return true; }
};

struct LeaseOverAtItsDeadline final : ModelStore {
  using ModelStore::ModelStore;
  bool lease_holds(const WriteGuard& guard, const IdempotencyRecord& stored) const override {
    WriteGuard later = guard;
    later.now = saturating_add(guard.now, Duration{1});
    return ModelStore::lease_holds(later, stored);
  }
};

struct LeaseWithoutDeadlineLapses final : ModelStore {
  using ModelStore::ModelStore;
  bool lease_holds(const WriteGuard& guard, const IdempotencyRecord& stored) const override {
    IdempotencyRecord with_zero = stored;
    with_zero.expires_at = stored.expires_at.value_or(Timestamp{});
    return ModelStore::lease_holds(guard, with_zero);
  }
};

struct LeaseComparedAsDouble final : ModelStore {
  using ModelStore::ModelStore;
  bool lease_holds(const WriteGuard& guard, const IdempotencyRecord& stored) const override {
    const auto number = [](Timestamp t) {
      return static_cast<double>(t.time_since_epoch().count());
    };
    const bool lapsed = stored.expires_at && number(guard.now) > number(*stored.expires_at);
    return guard.lease == LeaseCondition::any || lapsed == (guard.lease == LeaseCondition::lapsed);
  }
};

// the write of save_if

struct Upsert final : ModelStore {
  using ModelStore::ModelStore;
  bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override {
    if (!find(next.key)) return claim_pending(next).claimed_new();
    return ModelStore::save_if(guard, next);
  }
};

struct UpdateWithoutKey final : ModelStore {
  using ModelStore::ModelStore;
  bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override {
    if (!ModelStore::save_if(guard, next)) return false;
    const Lock lock(contents_->mutex);
    for (auto& [id, record] : contents_->records) {
      if (record.attempt_token == guard.attempt_token) record.status = next.status;
    }
    return true;
  }
};

struct SaveKeepsCreatedAt final : ModelStore {
  using ModelStore::ModelStore;
  IdempotencyRecord replaced(const IdempotencyRecord& stored,
                             IdempotencyRecord next) const override {
    next.created_at = stored.created_at;
    return ModelStore::replaced(stored, next);
  }
};

struct SaveKeepsTheResultForNone final : ModelStore {
  using ModelStore::ModelStore;
  IdempotencyRecord replaced(const IdempotencyRecord& stored,
                             IdempotencyRecord next) const override {
    if (!next.result) next.result = stored.result;
    return ModelStore::replaced(stored, next);
  }
};

struct OutcomeTwice final : ModelStore {
  using ModelStore::ModelStore;
  bool same_status(const WriteGuard& guard, const IdempotencyRecord& stored) const override {
    return ModelStore::same_status(guard, stored) ||
           (guard.status == RecordStatus::pending && stored.status == RecordStatus::completed);
  }
};

struct SaveNotAtomic final : ModelStore {
  using ModelStore::ModelStore;
  void before_save(Lock& lock, const IdempotencyRecord&) override { let_others_in(lock); }
};

// the rule for renewals

struct RenewalShortens final : ModelStore {
  using ModelStore::ModelStore;
  bool is_renewal(const IdempotencyRecord&, const IdempotencyRecord&) const override {
    return false;
  }
};

struct RenewalTakesNoneForEarly final : ModelStore {
  using ModelStore::ModelStore;
  IdempotencyRecord replaced(const IdempotencyRecord& stored,
                             IdempotencyRecord next) const override {
    if (is_renewal(stored, next)) next.expires_at = std::max(next.expires_at, stored.expires_at);
    return next;
  }
};

struct RenewalWritesTheDeadlineOnly final : ModelStore {
  using ModelStore::ModelStore;
  IdempotencyRecord replaced(const IdempotencyRecord& stored,
                             IdempotencyRecord next) const override {
    next = ModelStore::replaced(stored, next);
    if (is_renewal(stored, next)) next.last_transition_at = stored.last_transition_at;
    return next;
  }
};

struct EveryWriteKeepsTheLaterDeadline final : ModelStore {
  using ModelStore::ModelStore;
  bool is_renewal(const IdempotencyRecord&, const IdempotencyRecord&) const override {
    return true;
  }
};

struct RenewalKnownByTokenAlone final : ModelStore {
  using ModelStore::ModelStore;
  bool is_renewal(const IdempotencyRecord& stored, const IdempotencyRecord& next) const override {
    return stored.attempt_token == next.attempt_token;
  }
};

struct RenewalKnownByStatusAlone final : ModelStore {
  using ModelStore::ModelStore;
  bool is_renewal(const IdempotencyRecord& stored, const IdempotencyRecord& next) const override {
    return stored.status == RecordStatus::pending && next.status == RecordStatus::pending;
  }
};

}  // namespace conformance
