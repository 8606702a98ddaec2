// SPDX-License-Identifier: MIT
#include "nexus/idempotency/in_memory_store.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "support/catch.hpp"
#include "unit/memory_samples.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;

static_assert(std::is_base_of_v<IdempotencyStore, InMemoryIdempotencyStore>);
static_assert(std::is_final_v<InMemoryIdempotencyStore>);
static_assert(!std::is_copy_constructible_v<InMemoryIdempotencyStore>);
static_assert(!std::is_convertible_v<InMemoryStoreOptions, InMemoryIdempotencyStore>);

namespace {

// Returns: the n-th of 10^5 records that differ in every field.
IdempotencyRecord varied_record(std::size_t n) {
  IdempotencyRecord record = claim_of(numbered_key(n), base + Duration{static_cast<long>(n)});
  record.fingerprint = RequestFingerprint{std::string(n % 100 + 1, 'f')};
  record.attempt_token = AttemptToken{std::string(n % 60 + 1, 't')};
  record.fence = n;
  record.created_at = base - Duration{static_cast<long>(n)};
  if (n % 3 == 0) record.status = RecordStatus::completed;
  if (n % 3 == 0) record.result = ResultEnvelope{std::to_string(n)};
  if (n % 5 == 0) record.expires_at = std::nullopt;
  return record;
}

// Every deadline that could be special.
const std::vector<std::optional<Timestamp>>& deadlines() {
  static const std::vector<std::optional<Timestamp>> all = {std::nullopt,
                                                            Timestamp::min(),
                                                            Timestamp::min() + one_tick,
                                                            base - one_tick,
                                                            base,
                                                            Timestamp{Duration{-1}},
                                                            Timestamp{},
                                                            base + one_tick,
                                                            Timestamp::max(),
                                                            Timestamp::max() - one_tick};
  return all;
}

}  // namespace

TEST_CASE("size counts records, lapsed ones included") {
  InMemoryIdempotencyStore store;
  CHECK(store.size() == 0);
  put(store, claim_of(numbered_key(1), Timestamp::min()));
  put(store, outcome_of(claim_of(numbered_key(2), std::nullopt), RecordStatus::completed, base));
  CHECK(store.size() == 2);
  CHECK_FALSE(store.claim_pending(claim_of(numbered_key(1), base)).claimed_new());
  CHECK(store.size() == 2);
  CHECK(store.purge_expired(Timestamp::max(), 1) == 1);
  CHECK(store.size() == 1);
  CHECK_FALSE(store.find(numbered_key(3)));
  CHECK(store.size() == 1);
}

TEST_CASE("what a store returns outlives it") {
  std::optional<InMemoryIdempotencyStore> store(std::in_place);
  IdempotencyRecord record =
      outcome_of(claim_of(numbered_key(1), std::nullopt), RecordStatus::completed, base);
  record.fingerprint = RequestFingerprint{std::string(RequestFingerprint::max_length, 'f')};
  record.attempt_token = AttemptToken{std::string(AttemptToken::max_length, 't')};
  record.result = ResultEnvelope{std::string(1000, 'r')};
  const IdempotencyRecord as_written = record;
  put(*store, record);
  record.result = std::nullopt;
  const std::optional<IdempotencyRecord> found = store->find(numbered_key(1));
  const ClaimPendingResult refused = store->claim_pending(claim_of(numbered_key(1), base));
  store.reset();
  CHECK(found == as_written);
  CHECK(refused.existing == as_written);
}

TEST_CASE("a store keeps a result as the one block that it was given") {
  InMemoryIdempotencyStore store;
  const IdempotencyRecord record =
      outcome_of(claim_of(numbered_key(1), std::nullopt), RecordStatus::completed, base);
  put(store, record);
  const ClaimPendingResult refused = store.claim_pending(claim_of(numbered_key(1), base));
  REQUIRE(refused.existing);
  CHECK(refused.existing->result->payload().data() == record.result->payload().data());
}

TEST_CASE("a large store keeps every record, and gives up exactly the lapsed ones") {
  InMemoryIdempotencyStore store;
  constexpr std::size_t records = 100'000;
  for (std::size_t n = 0; n < records; ++n) {
    if (!store.claim_pending(varied_record(n)).claimed_new()) FAIL("claimed before: " << n);
  }
  CHECK(store.size() == records);
  for (std::size_t n = 0; n < records; ++n) {
    if (store.find(numbered_key(n)) != varied_record(n)) FAIL("not as written: " << n);
  }
  CHECK_FALSE(store.find(numbered_key(records)));

  const Timestamp before = base + Duration{50'001};
  CHECK(store.purge_expired(before, records) == 40'000);  // 50,001 less those without a deadline
  for (std::size_t n = 0; n < records; ++n) {
    const IdempotencyRecord record = varied_record(n);
    const bool gone = record.expires_at && *record.expires_at < before;
    const std::optional<IdempotencyRecord> found = store.find(record.key);
    if (gone ? found.has_value() : found != record) FAIL("wrong after the purge: " << n);
  }
}

TEST_CASE("a renewal keeps the later deadline, every other write sets its own") {
  InMemoryIdempotencyStore store;
  std::size_t key = 0;
  for (const std::optional<Timestamp> held : deadlines()) {
    for (const std::optional<Timestamp> brought : deadlines()) {
      const bool brought_is_later = !brought || (held && *brought > *held);
      const auto written = [&](RecordStatus from, IdempotencyRecord next) {
        IdempotencyRecord stored = claim_of(numbered_key(++key), held);
        if (from != RecordStatus::pending) stored = outcome_of(stored, from, held);
        put(store, stored);
        next.key = stored.key;
        next.expires_at = brought;
        REQUIRE(store.save_if(guard_of(stored), next));
        const std::optional<IdempotencyRecord> found = store.find(stored.key);
        REQUIRE(found);
        next.expires_at = found->expires_at;
        CHECK(*found == next);  // every other field is as it was brought
        return found->expires_at;
      };
      const IdempotencyRecord renewal = claim_of(numbered_key(0), brought);
      CHECK(written(RecordStatus::pending, renewal) == (brought_is_later ? brought : held));

      // The attempt is known by its token: another fingerprint makes it no other attempt.
      IdempotencyRecord other_fingerprint = renewal;
      other_fingerprint.fingerprint = RequestFingerprint{"another"};
      CHECK(written(RecordStatus::pending, other_fingerprint) ==
            (brought_is_later ? brought : held));

      IdempotencyRecord other_token = renewal;
      other_token.attempt_token = AttemptToken{"another"};
      CHECK(written(RecordStatus::pending, other_token) == brought);

      CHECK(written(RecordStatus::pending, outcome_of(renewal, RecordStatus::completed, brought)) ==
            brought);
      CHECK(written(RecordStatus::pending, outcome_of(renewal, RecordStatus::failed, brought)) ==
            brought);
      CHECK(written(RecordStatus::failed, renewal) == brought);
      CHECK(written(RecordStatus::completed,
                    outcome_of(renewal, RecordStatus::completed, brought)) == brought);
    }
  }
}

TEST_CASE("a purge goes by the deadline that a renewal kept, not by the one that it brought") {
  InMemoryIdempotencyStore store;
  const IdempotencyRecord claim = claim_of(numbered_key(1), base + 1h);
  put(store, claim);
  IdempotencyRecord shorter = claim;
  shorter.expires_at = base;
  REQUIRE(store.save_if(guard_of(claim), shorter));
  CHECK(store.purge_expired(base + 1h, 10) == 0);
  CHECK(store.purge_expired(base + 1h + one_tick, 10) == 1);
}

TEST_CASE("a purge removes what lapsed before its time, and never what has no deadline") {
  for (const std::optional<Timestamp> before : deadlines()) {
    if (!before) continue;
    InMemoryIdempotencyStore store;
    std::size_t key = 0;
    std::size_t matching = 0;
    for (const std::optional<Timestamp> expires_at : deadlines()) {
      for (const RecordStatus status : {RecordStatus::pending, RecordStatus::completed,
                                        RecordStatus::failed, RecordStatus::expired}) {
        put(store, outcome_of(claim_of(numbered_key(++key), std::nullopt), status, expires_at));
        if (expires_at && *expires_at < *before) ++matching;
      }
    }
    CHECK(store.purge_expired(*before, 0) == 0);
    CHECK(store.purge_expired(*before, matching + 1) == matching);
    CHECK(store.size() == key - matching);
    CHECK(store.purge_expired(*before, 1) == 0);
  }
}

TEST_CASE("a purge keeps to its limit, and falls short of it only when no more match") {
  InMemoryIdempotencyStore store;
  const std::size_t lapsed = 1000;
  for (std::size_t n = 0; n < lapsed; ++n) put(store, claim_of(numbered_key(n), base));
  for (std::size_t n = 0; n < 500; ++n) put(store, claim_of(numbered_key(lapsed + n), base + 1s));

  std::size_t left = lapsed;
  for (const std::size_t limit : {0U, 1U, 63U, 64U, 65U, 300U}) {
    CHECK(store.purge_expired(base + one_tick, limit) == limit);
    left -= limit;
    CHECK(store.size() == left + 500);
  }
  CHECK(store.purge_expired(base + one_tick, left + 1) == left);
  CHECK(store.purge_expired(base + one_tick, 1) == 0);
  CHECK(store.size() == 500);
}

TEST_CASE("a purge finds what came to lapse earlier after another purge had looked") {
  InMemoryIdempotencyStore store;
  const std::size_t records = 2000;
  const auto claim = [](std::size_t n) { return claim_of(numbered_key(n), base + 24h); };
  for (std::size_t n = 0; n < records; ++n) put(store, claim(n));
  CHECK(store.purge_expired(base + 1h, records) == 0);

  std::mt19937_64 random(7);
  std::size_t moved = 0;
  for (std::size_t n = 0; n < records; ++n) {
    if (random() % 3 != 0) continue;
    REQUIRE(store.save_if(guard_of(claim(n)), outcome_of(claim(n), RecordStatus::completed, base)));
    ++moved;
  }
  // A purge that its limit cuts short, and one of an earlier time, must not lose sight of the rest.
  CHECK(store.purge_expired(base + 1h, moved / 2) == moved / 2);
  CHECK(store.purge_expired(base, records) == 0);
  CHECK(store.purge_expired(base + 1h, records) == moved - moved / 2);
  CHECK(store.size() == records - moved);
  CHECK(store.purge_expired(base + 24h + one_tick, records) == records - moved);
}
