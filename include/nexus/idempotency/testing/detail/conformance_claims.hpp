// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_CLAIMS_HPP
#define NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_CLAIMS_HPP

// Conformance cases of `find` and `claim_pending`, and of what lies behind the store object.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/testing/detail/conformance_checks.hpp"
#include "nexus/idempotency/testing/detail/conformance_samples.hpp"
#include "nexus/idempotency/testing/store_fixture.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace testing::detail {

inline void find_of_an_absent_key(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  require_absent(*store, sample_key(), "in an empty store");
  require_absent(*store, sample_key(), "again");
  require_claimed(*store, pending_record(sample_key()), "after find");
  require_absent(*store, sample_key("another key"), "of another key");
}

inline void claim_of_an_absent_key(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  const IdempotencyRecord candidate = pending_record(sample_key());
  require_claimed(*store, candidate, "in an empty store");
  require_stored(*store, candidate, "after the claim");
  require_stored(*store, candidate, "again");

  IdempotencyRecord without_deadline = pending_record(sample_key("second key"));
  without_deadline.expires_at = std::nullopt;
  require_claimed(*store, without_deadline, "of a second key");
  require_stored(*store, without_deadline, "after the claim without a deadline");
  require_stored(*store, candidate, "after the claim of another key");
}

inline void claim_of_a_present_key(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  for (const RecordStatus status : all_statuses) {
    const std::string what = "of a key that is " + std::string(to_string(status));
    const auto key = sample_key(to_string(status));
    const IdempotencyRecord record = in_status(pending_record(key), status);
    put(*store, record);
    // Within the deadline, and long after it: a claim does not judge.
    IdempotencyRecord early = pending_record(key, "token-3");
    require_refused(*store, early, record, what);
    require_refused(*store, taken_over(record), record, what + " and lapsed");
    require_stored(*store, record, "after a refused claim " + what);
  }
}

inline void claim_repeated(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  const IdempotencyRecord candidate = pending_record(sample_key());
  require_claimed(*store, candidate, "in an empty store");
  require_refused(*store, candidate, candidate, "of the same candidate again");
  require_stored(*store, candidate, "after it");
}

// Several records in every state, and a purged key, must outlive the store object.
inline void contents_outlive_the_object(StoreFixture& fixture) {
  auto store = make_store(fixture);
  const auto reopen = [&] {
    store.reset();
    store = fixture.reopen();
    if (!store) throw ConformanceSkipped("reopen() returned null: contents do not outlive it");
  };

  std::vector<IdempotencyRecord> records;
  for (const RecordStatus status : all_statuses) {
    records.push_back(in_status(pending_record(sample_key(to_string(status))), status));
    put(*store, records.back());
  }
  for (const auto& result : edge_results()) {
    records.push_back(
        in_status(pending_record(sample_key("result " + std::to_string(records.size()))),
                  RecordStatus::completed));
    records.back().result = result;
    if (!result) records.back().expires_at = std::nullopt;
    put(*store, records.back());
  }
  reopen();
  for (const IdempotencyRecord& record : records) {
    require_stored(*store, record, "in the reopened store");
    require_refused(*store, taken_over(record), record, "in the reopened store");
  }

  const IdempotencyRecord successor = taken_over(records.front());
  require_save(*store, guard_of(records.front()), successor, true, "in the reopened store");
  reopen();
  require_stored(*store, successor, "after a take-over and reopening");
  if (fixture.expires_by_itself()) return;
  const Timestamp after_all = base_time + std::chrono::hours{24} + one_tick;
  require_purged(*store, after_all, 100, records.size() - 2, "in the reopened store");
  reopen();
  require_absent(*store, records[1].key, "of a purged key after reopening");
  require_stored(*store, successor, "after a purge and reopening");
}

inline void objects_share_the_contents(StoreFixture& fixture) {
  const auto first = make_store(fixture);
  const auto second = fixture.connect();
  if (!second) throw ConformanceSkipped("connect() returned null: contents belong to one object");

  // Each reads before the other writes, so that a cached answer would show.
  const auto require_both = [&](const IdempotencyRecord& record) {
    require_stored(*first, record, "through the first object");
    require_stored(*second, record, "through the second object");
  };
  const IdempotencyRecord claim = pending_record(sample_key());
  require_absent(*second, claim.key, "through the second object");
  require_claimed(*first, claim, "through the first object");
  require_refused(*second, taken_over(claim), claim, "through the second object");
  require_both(claim);
  const IdempotencyRecord completed = in_status(claim, RecordStatus::completed);
  require_save(*second, guard_of(claim), completed, true, "through the second object");
  require_both(completed);
  require_save(*first, guard_of(claim), completed, false, "through the first object");
  if (fixture.expires_by_itself()) return;
  require_purged(*first, Timestamp::max(), 10, 1, "through the first object");
  require_absent(*second, claim.key, "of a purged key through the second object");
}

}  // namespace testing::detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_CLAIMS_HPP
