// SPDX-License-Identifier: MIT
// A claim that makes its part of the store grow gets the memory for it without holding a lock.
// Here others come in between, at that very moment.
#include "unit/crafted_hash.hpp"

#include <chrono>
#include <cstddef>
#include <optional>

#include "nexus/idempotency/in_memory_store.hpp"
#include "support/catch.hpp"
#include "unit/allocation_hooks.hpp"
#include "unit/memory_samples.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;

namespace {

// A part of the store is full with as many records as this, and grows with the next.
constexpr std::size_t full = 6;

void fill(InMemoryIdempotencyStore& store, std::size_t first, std::size_t records) {
  for (std::size_t n = first; n < first + records; ++n) {
    put(store, claim_of(numbered_key(n), base));
  }
}

// Effects: claims `candidate`; `others` runs while the claim gets the memory to grow.
// Returns: the claim's answer. Requires that the moment came.
template <class Others>
ClaimPendingResult claim_among(InMemoryIdempotencyStore& store, const IdempotencyRecord& candidate,
                               Others&& others) {
  bool came = false;
  ClaimPendingResult answer;
  {
    const OnAllocation hook([&] {
      came = true;
      others();
    });
    answer = store.claim_pending(candidate);
  }
  REQUIRE(came);
  return answer;
}

IdempotencyRecord rival_of(const IdempotencyRecord& claim) {
  IdempotencyRecord rival = claim;
  rival.attempt_token = AttemptToken{"rival"};
  return rival;
}

}  // namespace

TEST_CASE("a growing claim whose key is claimed in between answers with that claim") {
  crafted_hash = &all_over_one_table;
  const std::size_t before = GENERATE(std::size_t{0}, full);
  InMemoryIdempotencyStore store;
  fill(store, 0, before);
  const IdempotencyRecord claim = claim_of(numbered_key(100), base);
  const IdempotencyRecord rival = rival_of(claim);
  const auto answer =
      claim_among(store, claim, [&] { REQUIRE(store.claim_pending(rival).claimed_new()); });
  CHECK(answer.existing == rival);
  CHECK(store.find(claim.key) == rival);
  CHECK(store.size() == before + 1);
}

TEST_CASE("a growing claim finds room however far others have made the store grow") {
  crafted_hash = &all_over_one_table;
  const std::size_t others = GENERATE(1U, 5U, 6U, 7U, 18U, 100U);
  InMemoryIdempotencyStore store;
  fill(store, 0, full);
  const IdempotencyRecord claim = claim_of(numbered_key(1000), base);
  const auto answer = claim_among(store, claim, [&] { fill(store, full, others); });
  CHECK(answer.claimed_new());
  CHECK(store.find(claim.key) == claim);
  CHECK(store.size() == full + others + 1);
  for (std::size_t n = 0; n < full + others; ++n) {
    CHECK(store.find(numbered_key(n)) == claim_of(numbered_key(n), base));
  }
}

TEST_CASE("a growing claim stands when all others are purged in between") {
  crafted_hash = &all_over_one_table;
  InMemoryIdempotencyStore store;
  fill(store, 0, full);
  const IdempotencyRecord claim = claim_of(numbered_key(100), base);
  const auto answer =
      claim_among(store, claim, [&] { REQUIRE(store.purge_expired(base + 1s, full) == full); });
  CHECK(answer.claimed_new());
  CHECK(store.find(claim.key) == claim);
  CHECK(store.size() == 1);
  CHECK(store.purge_expired(base + one_tick, 10) == 1);
}

TEST_CASE("duplicates of a growing claim take one place between them") {
  crafted_hash = &all_over_one_table;
  InMemoryIdempotencyStore store(InMemoryStoreOptions{.max_records = 1});
  const IdempotencyRecord claim = claim_of(numbered_key(100), base);
  const IdempotencyRecord rival = rival_of(claim);
  std::optional<StoreErrc> error;
  const auto answer = claim_among(
      store, claim, [&] { error = store_error([&] { (void)store.claim_pending(rival); }); });
  CHECK_FALSE(error);  // there was a place: it could not be `exhausted`
  CHECK(answer.existing == rival);
  CHECK(store.size() == 1);
}

TEST_CASE("two growing claims for the last place: one gets it") {
  crafted_hash = &all_over_one_table;
  InMemoryIdempotencyStore store(InMemoryStoreOptions{.max_records = 1});
  std::optional<StoreErrc> other;
  const auto one = store_error([&] {
    (void)claim_among(store, claim_of(numbered_key(100), base), [&] {
      other = store_error([&] { (void)store.claim_pending(claim_of(numbered_key(101), base)); });
    });
  });
  CHECK(one.has_value() != other.has_value());
  CHECK(one.value_or(StoreErrc::exhausted) == StoreErrc::exhausted);
  CHECK(other.value_or(StoreErrc::exhausted) == StoreErrc::exhausted);
  CHECK(store.size() == 1);
}
