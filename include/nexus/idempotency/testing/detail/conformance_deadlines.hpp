// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_DEADLINES_HPP
#define NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_DEADLINES_HPP

// Conformance cases about whose deadline is kept, and of `purge_expired`.

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/testing/detail/conformance_checks.hpp"
#include "nexus/idempotency/testing/detail/conformance_samples.hpp"
#include "nexus/idempotency/testing/store_fixture.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace testing::detail {

// An early deadline, a late one, and none, which is later than any.
inline std::vector<std::optional<Timestamp>> three_deadlines() {
  return {base_time + std::chrono::minutes{15}, Timestamp::max(), std::nullopt};
}

inline void renewal_keeps_the_later_deadline(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  const auto deadlines = three_deadlines();
  for (std::size_t stored = 0; stored < deadlines.size(); ++stored) {
    for (std::size_t renewed = 0; renewed < deadlines.size(); ++renewed) {
      const std::string what =
          "to renew " + shown(deadlines[stored]) + " until " + shown(deadlines[renewed]);
      IdempotencyRecord claim = pending_record(sample_key(what));
      claim.expires_at = deadlines[stored];
      IdempotencyRecord renewal = claim;
      renewal.expires_at = deadlines[renewed];
      renewal.last_transition_at += std::chrono::minutes{1};
      put(*store, claim);
      require_save(*store, guard_of(claim), renewal, true, what);
      renewal.expires_at = deadlines[stored > renewed ? stored : renewed];
      require_stored(*store, renewal, "after save_if " + what);
      require_save(*store, guard_of(claim), renewal, true, what + " again");
      require_stored(*store, renewal, "after save_if " + what + " again");
    }
  }
}

inline void other_writes_set_their_deadline(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  for (const auto& stored : three_deadlines()) {
    for (const auto& next : three_deadlines()) {
      const auto check = [&](const IdempotencyRecord& from, const IdempotencyRecord& to,
                             const std::string& kind) {
        const std::string what = kind + ", deadline " + shown(stored) + " to " + shown(next);
        const auto key = sample_key(what);
        IdempotencyRecord before = from;
        before.key = key;
        before.expires_at = stored;
        IdempotencyRecord after = to;
        after.key = key;
        after.expires_at = next;
        put(*store, before);
        require_save(*store, guard_of(before), after, true, what);
        require_stored(*store, after, "after save_if " + what);
      };
      const IdempotencyRecord claim = pending_record(sample_key());
      const IdempotencyRecord failed = in_status(claim, RecordStatus::failed);
      check(claim, taken_over(claim), "to take over");
      check(claim, in_status(claim, RecordStatus::completed), "to complete");
      check(claim, failed, "to fail");
      check(failed, claim, "to open a failed attempt again");
    }
  }
}

inline void skip_if_it_expires_by_itself(StoreFixture& fixture) {
  if (fixture.expires_by_itself()) {
    throw ConformanceSkipped("expires_by_itself() is true: purge_expired removes nothing");
  }
}

inline void purge_by_deadline_alone(StoreFixture& fixture) {
  skip_if_it_expires_by_itself(fixture);
  const auto store = make_store(fixture);
  const auto deadlines = edge_deadlines(false);
  std::vector<IdempotencyRecord> records;
  for (const Timestamp deadline : deadlines) {
    const RecordStatus status = all_statuses[records.size() % all_statuses.size()];
    records.push_back(in_status(pending_record(sample_key(shown(deadline))), status));
    records.back().expires_at = deadline;
    put(*store, records.back());
  }
  // At each deadline in turn, only the record before it goes.
  for (std::size_t i = 0; i < records.size(); ++i) {
    require_purged(*store, deadlines[i], 100, i == 0 ? 0 : 1, "before " + shown(deadlines[i]));
    if (i > 0) require_absent(*store, records[i - 1].key, "of a record that was purged");
    require_stored(*store, records[i], "of a record whose deadline is the end of the purge");
  }
}

inline void purge_of_every_status(StoreFixture& fixture) {
  skip_if_it_expires_by_itself(fixture);
  const auto store = make_store(fixture);
  const Timestamp end = base_time + std::chrono::hours{24} + one_tick;
  std::vector<IdempotencyRecord> kept;
  for (const RecordStatus status : all_statuses) {
    const std::string name(to_string(status));
    put(*store, in_status(pending_record(sample_key(name)), status));
    for (const auto& deadline : {std::optional<Timestamp>{}, std::optional(Timestamp::max())}) {
      kept.push_back(in_status(pending_record(sample_key(name + shown(deadline))), status));
      kept.back().expires_at = deadline;
      put(*store, kept.back());
    }
  }
  require_purged(*store, end, 100, all_statuses.size(), "of one lapsed record a status");
  for (const RecordStatus status : all_statuses) {
    require_absent(*store, sample_key(to_string(status)), "of a record that was purged");
  }
  require_purged(*store, Timestamp::max(), 100, 0, "of records that last for ever");
  for (const auto& record : kept) require_stored(*store, record, "of a record that stays");
}

inline void purge_within_its_limit(StoreFixture& fixture) {
  skip_if_it_expires_by_itself(fixture);
  const auto store = make_store(fixture);
  constexpr std::size_t lapsed_records = 7;
  std::vector<IdempotencyRecord> live;
  for (std::size_t i = 0; i < lapsed_records; ++i) {
    put(*store, pending_record(sample_key("lapsed " + std::to_string(i))));
    live.push_back(taken_over(pending_record(sample_key("live " + std::to_string(i)))));
    put(*store, live.back());
  }
  const auto left = [&] {
    std::size_t count = 0;
    for (std::size_t i = 0; i < lapsed_records; ++i) {
      if (store->find(sample_key("lapsed " + std::to_string(i)))) ++count;
    }
    return count;
  };
  const Timestamp before = base_time + std::chrono::hours{1};
  std::size_t remaining = lapsed_records;
  for (const auto& [limit, removed] :
       std::vector<std::pair<std::size_t, std::size_t>>{{0, 0}, {3, 3}, {1, 1}, {3, 3}, {3, 0}}) {
    require_purged(*store, before, limit, removed, "with a limit of " + std::to_string(limit));
    remaining -= removed;
    require(left() == remaining, "purge_expired did not remove as many records as it returned");
  }
  for (const auto& record : live) require_stored(*store, record, "of a record that is live");
}

inline void purge_judges_the_latest_deadline(StoreFixture& fixture) {
  skip_if_it_expires_by_itself(fixture);
  const auto store = make_store(fixture);
  const Timestamp end = base_time + std::chrono::hours{1};  // claims have lapsed by then
  const auto write = [&](const std::string& name, RecordStatus status,
                         std::optional<Timestamp> claimed_until, std::optional<Timestamp> until) {
    IdempotencyRecord claim = pending_record(sample_key(name));
    claim.expires_at = claimed_until;
    IdempotencyRecord next = in_status(claim, status);
    next.expires_at = until;
    put(*store, claim);
    require_save(*store, guard_of(claim), next, true, "to prepare: " + name);
    return next;
  };
  const std::vector<IdempotencyRecord> stay = {
      write("renewed", RecordStatus::pending, base_time, end),
      write("completed", RecordStatus::completed, base_time, end),
      write("completed for ever", RecordStatus::completed, base_time, std::nullopt)};
  const std::vector<IdempotencyRecord> go = {
      write("completed for less", RecordStatus::completed, Timestamp::max(), base_time),
      write("given a deadline", RecordStatus::failed, std::nullopt, base_time)};

  require_purged(*store, end, 100, go.size(), "after deadlines were moved");
  for (const auto& record : stay) require_stored(*store, record, "of a deadline moved later");
  for (const auto& record : go) require_absent(*store, record.key, "of a deadline moved earlier");
}

inline void purge_frees_the_key(StoreFixture& fixture) {
  skip_if_it_expires_by_itself(fixture);
  const auto store = make_store(fixture);
  require_purged(*store, Timestamp::max(), 100, 0, "of an empty store");
  const IdempotencyRecord claim = pending_record(sample_key());
  put(*store, claim);
  require_purged(*store, Timestamp::max(), 100, 1, "of one record");
  require_save(*store, guard_of(claim), in_status(claim, RecordStatus::completed), false,
               "by the owner of a purged record");
  require_absent(*store, claim.key, "of a purged key");
  const IdempotencyRecord next = taken_over(claim);
  require_claimed(*store, next, "of a purged key");
  require_stored(*store, next, "after a claim of a purged key");
}

inline void purge_by_the_engine_itself(StoreFixture& fixture) {
  if (!fixture.expires_by_itself()) {
    throw ConformanceSkipped("expires_by_itself() is false");
  }
  const auto store = make_store(fixture);
  const IdempotencyRecord claim = pending_record(sample_key());
  put(*store, claim);
  require_purged(*store, Timestamp::max(), 100, 0, "of an engine that expires by itself");
  require_stored(*store, claim, "after purge_expired");
}

}  // namespace testing::detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_DEADLINES_HPP
