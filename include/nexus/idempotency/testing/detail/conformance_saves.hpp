// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_SAVES_HPP
#define NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_SAVES_HPP

// Conformance cases of `save_if`: what it writes, what each clause of the guard compares, and the
// rule for renewals.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/testing/detail/conformance_checks.hpp"
#include "nexus/idempotency/testing/detail/conformance_samples.hpp"
#include "nexus/idempotency/testing/store_fixture.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace testing::detail {

inline void save_writes_every_field(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  std::vector<IdempotencyRecord> life;
  life.push_back(pending_record(sample_key()));
  life.push_back(in_status(life.back(), RecordStatus::failed));
  life.push_back(taken_over(life.back()));
  life.push_back(in_status(life.back(), RecordStatus::completed));
  life.push_back(in_status(life.back(), RecordStatus::expired));
  life.back().result = std::nullopt;
  life.push_back(pending_record(sample_key(), "token-3"));  // earlier in every respect
  life.push_back(in_status(life.back(), RecordStatus::completed));
  life.back().result = ResultEnvelope::omitted();
  life.back().expires_at = std::nullopt;

  require_claimed(*store, life.front(), "to prepare");
  for (std::size_t i = 1; i < life.size(); ++i) {
    const std::string what = "from " + std::string(to_string(life[i - 1].status)) + " to " +
                             std::string(to_string(life[i].status));
    require_save(*store, guard_of(life[i - 1]), life[i], true, what);
    require_stored(*store, life[i], "after save_if " + what);
  }
}

inline void save_never_inserts(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  const IdempotencyRecord neighbour = pending_record(sample_key("neighbour"));
  require_claimed(*store, neighbour, "to prepare");

  const IdempotencyRecord absent = pending_record(sample_key());
  const Timestamp late = base_time + std::chrono::hours{1};
  for (const RecordStatus status : all_statuses) {
    for (const auto lease : {LeaseCondition::any, LeaseCondition::live, LeaseCondition::lapsed}) {
      WriteGuard guard = guard_of(absent, lease, late);
      guard.status = status;
      require_save(*store, guard, in_status(absent, RecordStatus::completed), false,
                   "of an absent key");
    }
  }
  require_absent(*store, absent.key, "after save_if of an absent key");
  require_stored(*store, neighbour, "of a key whose record the guard would match");
  require_claimed(*store, absent, "after save_if of an absent key");
}

inline void save_changes_one_key(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  const TenantId tenant("tenant");
  const OperationRef operation("operation");
  const ClientKey key("key");
  const IdempotencyRecord target = pending_record({tenant, operation, key});
  const std::vector<IdempotencyRecord> others = {
      pending_record({TenantId("tenant-2"), operation, key}),
      pending_record({tenant, OperationRef("operation-2"), key}),
      pending_record({tenant, operation, ClientKey("key-2")})};
  require_claimed(*store, target, "to prepare");
  for (const auto& other : others) require_claimed(*store, other, "of another key, same token");
  const IdempotencyRecord completed = in_status(target, RecordStatus::completed);
  require_save(*store, guard_of(target), completed, true, "of one of four keys");
  require_stored(*store, completed, "of the key that was written");
  for (const auto& other : others) require_stored(*store, other, "of a key that was not written");
}

// `guard` must be refused and then, with `right` in its place, accepted.
inline void require_told_apart(IdempotencyStore& store, const IdempotencyRecord& record,
                               const WriteGuard& guard, const std::string& what) {
  const IdempotencyRecord completed = in_status(record, RecordStatus::completed);
  require_claimed(store, record, "to prepare");
  require_save(store, guard, completed, false, "with another " + what);
  require_save(store, guard, taken_over(record), false, "with another " + what);
  require_stored(store, record, "after a refused save_if with another " + what);
  require_save(store, guard_of(record), completed, true, "with the same " + what);
}

inline void save_compares_the_token(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  int number = 0;
  for (const auto& [first, second] : near_texts(AttemptToken::max_length)) {
    const auto key = sample_key(std::to_string(++number));
    const IdempotencyRecord record = pending_record(key, first);
    WriteGuard guard = guard_of(record);
    guard.attempt_token = AttemptToken(second);
    require_told_apart(*store, record, guard, "token: " + shown(second) + " for " + shown(first));
  }
}

inline void save_compares_the_fingerprint(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  int number = 0;
  for (const auto& [first, second] : near_texts(RequestFingerprint::max_length)) {
    IdempotencyRecord record = pending_record(sample_key(std::to_string(++number)));
    record.fingerprint = RequestFingerprint(first);
    WriteGuard guard = guard_of(record);
    guard.fingerprint = RequestFingerprint(second);
    require_told_apart(*store, record, guard,
                       "fingerprint: " + shown(second) + " for " + shown(first));
  }
}

inline void save_compares_the_status(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  for (const RecordStatus status : all_statuses) {
    const IdempotencyRecord record =
        in_status(pending_record(sample_key(to_string(status))), status);
    put(*store, record);
    WriteGuard guard = guard_of(record);
    for (const RecordStatus other : all_statuses) {
      if (other == status) continue;
      guard.status = other;
      require_save(*store, guard, taken_over(record), false,
                   "guarded by " + std::string(to_string(other)) + " of a record that is " +
                       std::string(to_string(status)));
    }
    require_stored(*store, record, "after refused calls of save_if");
    require_save(*store, guard_of(record), taken_over(record), true,
                 "guarded by the status that is stored, " + std::string(to_string(status)));
  }
}

// The lease is judged by guard.now alone, at the deadline itself it is live, without a deadline
// it always is. Each allowed write puts back what is there, so that one record serves all.
inline void save_judges_the_lease(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  std::vector<std::optional<Timestamp>> deadlines = {std::nullopt};
  for (const Timestamp time : edge_deadlines(fixture.expires_by_itself())) {
    deadlines.emplace_back(time);
  }
  int number = 0;
  for (const auto& deadline : deadlines) {
    IdempotencyRecord record = pending_record(sample_key(std::to_string(++number)));
    record.expires_at = deadline;
    if (number % 2 == 0) record.status = RecordStatus::completed;
    put(*store, record);

    const Timestamp at = deadline.value_or(base_time);
    for (const Timestamp now : {Timestamp::min(), saturating_subtract(at, one_tick), at,
                                saturating_add(at, one_tick), Timestamp::max()}) {
      const bool lapsed = deadline.has_value() && now > *deadline;
      const std::string what = " at " + shown(now) + " with a deadline of " + shown(deadline);
      require_save(*store, guard_of(record, LeaseCondition::live, now), record, !lapsed,
                   "guarded by live" + what);
      require_save(*store, guard_of(record, LeaseCondition::lapsed, now), record, lapsed,
                   "guarded by lapsed" + what);
      require_save(*store, guard_of(record, LeaseCondition::any, now), record, true,
                   "guarded by any" + what);
    }
    require_stored(*store, record, "after writing the record over itself");
  }
}

inline void superseded_owner_changes_nothing(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  const IdempotencyRecord old_claim = pending_record(sample_key());
  const IdempotencyRecord new_claim = taken_over(old_claim);
  IdempotencyRecord renewal = old_claim;
  renewal.expires_at = base_time + std::chrono::hours{100};
  put(*store, old_claim);
  require_save(*store, guard_of(old_claim, LeaseCondition::lapsed, new_claim.created_at), new_claim,
               true, "to take over");

  const auto old_owner_tries = [&](const IdempotencyRecord& stored, const std::string& when) {
    const WriteGuard guard = guard_of(old_claim);
    require_save(*store, guard, in_status(old_claim, RecordStatus::completed), false,
                 "to complete a superseded attempt " + when);
    require_save(*store, guard, in_status(old_claim, RecordStatus::failed), false,
                 "to fail a superseded attempt " + when);
    require_save(*store, guard, renewal, false, "to renew a superseded attempt " + when);
    require_save(*store, guard_of(old_claim, LeaseCondition::lapsed, Timestamp::max()),
                 taken_over(old_claim, "token-3"), false, "to take over by an old guard " + when);
    require_stored(*store, stored, "after the superseded owner's calls " + when);
  };
  old_owner_tries(new_claim, "while the successor is pending");
  const IdempotencyRecord completed = in_status(new_claim, RecordStatus::completed);
  require_save(*store, guard_of(new_claim), completed, true, "to complete the successor");
  old_owner_tries(completed, "after the successor has completed");
}

inline void second_outcome_is_refused(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  for (const RecordStatus first : {RecordStatus::completed, RecordStatus::failed}) {
    const IdempotencyRecord claim = pending_record(sample_key(to_string(first)));
    const IdempotencyRecord outcome = in_status(claim, first);
    put(*store, outcome);
    for (const RecordStatus second : all_statuses) {
      require_save(*store, guard_of(claim), in_status(claim, second), false,
                   "to write an outcome after another");
    }
    require_stored(*store, outcome, "after a second outcome");
  }
}

}  // namespace testing::detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_SAVES_HPP
