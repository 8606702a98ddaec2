// SPDX-License-Identifier: MIT
// InMemoryStoreOptions::max_records: exact, and never at the cost of a record that may be needed.
#include <chrono>
#include <cstddef>
#include <limits>
#include <optional>

#include "nexus/idempotency/in_memory_store.hpp"
#include "support/catch.hpp"
#include "unit/memory_samples.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;

namespace {

InMemoryStoreOptions at_most(std::size_t max_records) {
  return {.max_records = max_records};
}

// Returns: whether a claim of the n-th key is admitted; every error but `exhausted` gets out.
bool admitted(InMemoryIdempotencyStore& store, std::size_t n, Timestamp created_at = base) {
  try {
    return store.claim_pending(claim_of(numbered_key(n), std::nullopt, created_at)).claimed_new();
  } catch (const StoreError& error) {
    if (error.code() != StoreErrc::exhausted) throw;
    return false;
  }
}

// Returns: how many claims of new keys are admitted, of those from `first` on, until one is not.
std::size_t count_admitted(InMemoryIdempotencyStore& store, std::size_t first) {
  std::size_t count = 0;
  while (admitted(store, first + count)) ++count;
  return count;
}

}  // namespace

TEST_CASE("max_records is exact") {
  const std::size_t max = GENERATE(0U, 1U, 2U, 7U, 64U, 65U, 1000U);
  InMemoryIdempotencyStore store(at_most(max));
  for (std::size_t n = 0; n < max; ++n) REQUIRE(admitted(store, n));
  CHECK(store.size() == max);
  const auto refused = claim_of(numbered_key(max), std::nullopt);
  CHECK(store_error([&] { (void)store.claim_pending(refused); }) == StoreErrc::exhausted);
  CHECK(store.size() == max);
  CHECK_FALSE(store.find(refused.key));
  for (std::size_t n = 0; n < max; ++n) {
    CHECK(store.find(numbered_key(n)) == claim_of(numbered_key(n), std::nullopt));
  }
}

TEST_CASE("the greatest max_records is as good as none") {
  InMemoryIdempotencyStore store(at_most(std::numeric_limits<std::size_t>::max()));
  for (std::size_t n = 0; n < 100; ++n) CHECK(admitted(store, n));
  CHECK(store.size() == 100);
}

TEST_CASE("exhausted promises that nothing happened and that a later try may succeed") {
  InMemoryIdempotencyStore store(at_most(0));
  try {
    (void)store.claim_pending(claim_of(numbered_key(1), std::nullopt));
    FAIL("it was admitted");
  } catch (const StoreError& error) {
    CHECK(error.code() == StoreErrc::exhausted);
    CHECK(error.is_transient());
  }
}

TEST_CASE("at the limit, a key that is there answers and may be written") {
  InMemoryIdempotencyStore store(at_most(1));
  const IdempotencyRecord lapsed = claim_of(numbered_key(1), Timestamp::min());
  put(store, lapsed);
  // Lapsed long ago, but it is the very key that is asked for: its record answers.
  CHECK(store.claim_pending(claim_of(numbered_key(1), base)).existing == lapsed);
  const IdempotencyRecord done = outcome_of(lapsed, RecordStatus::completed, base + 24h);
  CHECK(store.save_if(guard_of(lapsed), done));
  CHECK(store.find(numbered_key(1)) == done);
  CHECK(store.size() == 1);
}

TEST_CASE("at the limit, a claim gives up what lapsed more than the grace before it was made") {
  const RecordStatus status = GENERATE(RecordStatus::pending, RecordStatus::completed,
                                       RecordStatus::failed, RecordStatus::expired);
  const Timestamp deadline = GENERATE(base, Timestamp::min(), Timestamp{Duration{-1}},
                                      Timestamp::max() - retention_grace - one_tick);
  InMemoryIdempotencyStore store(at_most(2));
  const IdempotencyRecord unending = claim_of(numbered_key(1), std::nullopt);
  put(store, unending);
  put(store, outcome_of(claim_of(numbered_key(2), std::nullopt), status, deadline));

  CHECK_FALSE(admitted(store, 3, Timestamp::min()));
  CHECK_FALSE(admitted(store, 3, deadline));
  CHECK_FALSE(admitted(store, 3, deadline + retention_grace));
  CHECK(store.find(numbered_key(2)).has_value());
  CHECK(admitted(store, 3, deadline + retention_grace + one_tick));
  CHECK_FALSE(store.find(numbered_key(2)));
  CHECK(store.find(numbered_key(1)) == unending);
  CHECK(store.size() == 2);
}

TEST_CASE("at the limit, a record without a deadline, or with the latest, is never given up") {
  InMemoryIdempotencyStore store(at_most(2));
  put(store,
      outcome_of(claim_of(numbered_key(1), std::nullopt), RecordStatus::completed, std::nullopt));
  put(store, outcome_of(claim_of(numbered_key(2), std::nullopt), RecordStatus::completed,
                        Timestamp::max()));
  CHECK_FALSE(admitted(store, 3, Timestamp::max()));
  CHECK(store.size() == 2);
}

TEST_CASE("at the limit, nothing is given up for a key that is there") {
  InMemoryIdempotencyStore store(at_most(2));
  put(store, claim_of(numbered_key(1), base));
  put(store, claim_of(numbered_key(2), base));
  CHECK_FALSE(admitted(store, 1, base + 24h));
  CHECK(store.size() == 2);
}

TEST_CASE("at the limit, terminal records go before any pending one, in all of the store") {
  // Enough records that there are some of both kinds in every part of the store; the pending ones
  // came first and lapsed first.
  constexpr std::size_t each = 1000;
  InMemoryIdempotencyStore store(at_most(2 * each));
  const RecordStatus terminal[] = {RecordStatus::completed, RecordStatus::failed,
                                   RecordStatus::expired};
  for (std::size_t n = 0; n < each; ++n) put(store, claim_of(numbered_key(n), base - 24h));
  for (std::size_t n = each; n < 2 * each; ++n) {
    put(store, outcome_of(claim_of(numbered_key(n), base - 24h), terminal[n % 3], base));
  }
  const auto left = [&](std::size_t first) {
    std::size_t count = 0;
    for (std::size_t n = first; n < first + each; ++n) count += store.find(numbered_key(n)) ? 1 : 0;
    return count;
  };
  std::size_t claims = 0;
  while (left(each) > 0) {
    CHECK(left(0) == each);
    REQUIRE(admitted(store, 2 * each + claims, base + 24h));
    ++claims;
    REQUIRE(store.size() <= 2 * each);
  }
  CHECK(claims <= each);
  // Then the pending ones, so that in the end there is one new record for each old one.
  while (admitted(store, 2 * each + claims, base + 24h)) ++claims;
  CHECK(claims == 2 * each);
  CHECK(left(0) == 0);
  CHECK(store.size() == 2 * each);
}

TEST_CASE("a claim that is refused, or finds its key, takes no place") {
  constexpr std::size_t max = 10;
  InMemoryIdempotencyStore store(at_most(max));
  put(store, claim_of(numbered_key(0), base));
  for (std::size_t n = 0; n < 50; ++n) CHECK_FALSE(admitted(store, 0));
  CHECK(count_admitted(store, 1) == max - 1);
  for (std::size_t n = 0; n < 50; ++n) CHECK_FALSE(admitted(store, 100 + n));
  REQUIRE(store.purge_expired(base + one_tick, max) == 1);
  CHECK(count_admitted(store, 200) == 1);
  CHECK(store.size() == max);
}

TEST_CASE("room that a purge made is used, and no more than that") {
  constexpr std::size_t max = 500;
  InMemoryIdempotencyStore store(at_most(max));
  for (std::size_t n = 0; n < max; ++n) put(store, claim_of(numbered_key(n), base));
  std::size_t next = max;
  for (const std::size_t limit : {1U, 64U, 100U}) {
    CHECK_FALSE(admitted(store, next));
    REQUIRE(store.purge_expired(base + one_tick, limit) == limit);
    CHECK(store.size() == max - limit);
    CHECK(count_admitted(store, next) == limit);
    next += limit;
  }
}

TEST_CASE("guarded writes take and free no place") {
  InMemoryIdempotencyStore store(at_most(2));
  const IdempotencyRecord claim = claim_of(numbered_key(1), std::nullopt);
  put(store, claim);
  IdempotencyRecord rival = claim;
  rival.attempt_token = AttemptToken{"rival"};
  CHECK(store.save_if(guard_of(claim), rival));
  CHECK_FALSE(store.save_if(guard_of(claim), rival));
  CHECK_FALSE(store.save_if(guard_of(claim), claim_of(numbered_key(9), std::nullopt)));
  CHECK(count_admitted(store, 2) == 1);
}
