// SPDX-License-Identifier: MIT
// The n-th allocation of a call fails, for every n: the call must end with std::bad_alloc, leave
// the store as it was, with no lock held and no place under max_records taken.
// (A lock that is still held makes the next call wait for ever; the test then runs into its time
// limit.)
#include "unit/crafted_hash.hpp"

#include <chrono>
#include <cstddef>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "nexus/idempotency/in_memory_store.hpp"
#include "support/catch.hpp"
#include "unit/allocation_hooks.hpp"
#include "unit/memory_samples.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;

namespace {

// Texts that need a block of their own to be given back.
IdempotencyRecord long_claim(std::size_t n, char letter) {
  IdempotencyRecord claim = claim_of(numbered_key(n), base + 15min);
  claim.fingerprint = RequestFingerprint{std::string(RequestFingerprint::max_length, letter)};
  claim.attempt_token = AttemptToken{std::string(AttemptToken::max_length, letter)};
  return claim;
}

using Contents = std::vector<std::optional<IdempotencyRecord>>;

Contents contents_of(InMemoryIdempotencyStore& store) {
  Contents contents;
  for (std::size_t n = 0; n < 100; ++n) contents.push_back(store.find(numbered_key(n)));
  return contents;
}

// Effects: makes `call` with a failure at its first allocation, its second, and so on, until it
// gets by without. Requires that the store is unchanged after each failure.
// Returns: how many failed.
template <class Call>
std::size_t count_failures(InMemoryIdempotencyStore& store, Call&& call) {
  const Contents before = contents_of(store);
  const std::size_t size = store.size();
  for (std::size_t failures = 0;; ++failures) {
    bool happened = false;
    bool threw = false;
    {
      const FailingAllocation failing(failures);
      try {
        call();
      } catch (const std::bad_alloc&) {
        threw = true;
      }
      happened = failing.happened();
    }
    REQUIRE(threw == happened);
    if (!happened) return failures;
    REQUIRE(store.size() == size);
    REQUIRE(contents_of(store) == before);
  }
}

}  // namespace

TEST_CASE("a claim that runs out of memory leaves nothing behind") {
  crafted_hash = &all_over_one_table;  // so that growth comes when it is expected
  InMemoryIdempotencyStore store(InMemoryStoreOptions{.max_records = 25});
  std::size_t growths = 0;
  for (std::size_t n = 0; n < 25; ++n) {
    const IdempotencyRecord claim = long_claim(n, 'a');
    bool claimed = false;
    const std::size_t failures =
        count_failures(store, [&] { claimed = store.claim_pending(claim).claimed_new(); });
    CHECK(claimed);
    CHECK(store.find(claim.key) == claim);
    CHECK(failures >= 1);  // the record itself
    if (failures == 2) ++growths;
    CHECK(failures <= 2);
  }
  CHECK(growths == 4);  // to 8, 16, 32 and 64 places
  // Had a failure kept its place, the limit would have come sooner; had one given back too many,
  // it would not have come now.
  const IdempotencyRecord one_more = long_claim(25, 'a');
  CHECK(store_error([&] { (void)store.claim_pending(one_more); }) == StoreErrc::exhausted);
}

TEST_CASE("a claim that runs out of memory while it answers, or refuses, changes nothing") {
  crafted_hash = &all_over;
  InMemoryIdempotencyStore store(InMemoryStoreOptions{.max_records = 1});
  put(store, long_claim(1, 'a'));
  std::optional<IdempotencyRecord> answer;
  const IdempotencyRecord other = long_claim(1, 'b');
  CHECK(count_failures(store, [&] { answer = store.claim_pending(other).existing; }) >= 2);
  CHECK(answer == long_claim(1, 'a'));

  const IdempotencyRecord refused = long_claim(2, 'a');
  std::optional<StoreErrc> error;
  CHECK(count_failures(
            store, [&] { error = store_error([&] { (void)store.claim_pending(refused); }); }) >= 1);
  CHECK(error == StoreErrc::exhausted);
}

TEST_CASE("a claim that runs out of memory after it made room leaves that room") {
  crafted_hash = &all_over;
  InMemoryIdempotencyStore store(InMemoryStoreOptions{.max_records = 1});
  put(store, claim_of(numbered_key(1), base - 24h));
  const IdempotencyRecord claim = claim_of(numbered_key(2), base + 15min);
  {
    const FailingAllocation failing(0);
    CHECK_THROWS_AS(store.claim_pending(claim), std::bad_alloc);
  }
  CHECK(store.size() == 0);
  CHECK(store.claim_pending(claim).claimed_new());
  CHECK(store_error([&] { (void)store.claim_pending(claim_of(numbered_key(3), base)); }) ==
        StoreErrc::exhausted);
}

TEST_CASE("a write that runs out of memory changes nothing") {
  crafted_hash = &all_over;
  InMemoryIdempotencyStore store;
  const IdempotencyRecord claim = long_claim(1, 'a');
  put(store, claim);
  put(store, long_claim(2, 'a'));
  IdempotencyRecord next = claim;
  next.result = ResultEnvelope{"result"};
  SECTION("another token") {
    next.attempt_token = AttemptToken{"rival"};
  }
  SECTION("another fingerprint") {
    next.fingerprint = RequestFingerprint{"another"};
  }
  SECTION("both") {
    next = long_claim(1, 'b');
  }
  const WriteGuard guard = guard_of(claim);
  bool written = false;
  CHECK(count_failures(store, [&] { written = store.save_if(guard, next); }) >= 1);
  CHECK(written);
  CHECK(store.find(claim.key) == next);
}

TEST_CASE("a search that runs out of memory holds no lock") {
  crafted_hash = &all_over;
  InMemoryIdempotencyStore store;
  const IdempotencyRecord claim = long_claim(1, 'a');
  put(store, claim);
  std::optional<IdempotencyRecord> found;
  CHECK(count_failures(store, [&] { found = store.find(claim.key); }) >= 2);
  CHECK(found == claim);
}

TEST_CASE("outcomes, renewals and purges need no memory") {
  crafted_hash = &all_over_one_table;
  InMemoryIdempotencyStore store;
  const IdempotencyRecord claim = long_claim(1, 'a');
  put(store, claim);
  IdempotencyRecord renewal = claim;
  renewal.expires_at = base + 1h;
  const IdempotencyRecord done = outcome_of(claim, RecordStatus::completed, base);
  const WriteGuard guard = guard_of(claim);
  for (std::size_t n = 2; n < 100; ++n) put(store, claim_of(numbered_key(n), base));

  bool renewed = false;
  bool completed = false;
  std::size_t purged = 0;
  std::size_t size = 0;
  bool happened = true;
  {
    const FailingAllocation failing(0);
    renewed = store.save_if(guard, renewal);
    completed = store.save_if(guard, done);
    purged = store.purge_expired(base + one_tick, 1000);
    size = store.size();
    happened = failing.happened();
  }
  CHECK_FALSE(happened);
  CHECK(renewed);
  CHECK(completed);
  CHECK(purged == 99);
  CHECK(size == 0);
}

TEST_CASE("memory is released outside of the store's locks") {
  // The action takes every lock of the store in turn.
  crafted_hash = &all_over_one_table;
  InMemoryIdempotencyStore store;
  std::size_t releases = 0;
  const auto during = [&](auto&& call) {
    releases = 0;
    const OnRelease hook([&] {
      (void)store.size();
      ++releases;
    });
    call();
  };
  for (std::size_t n = 1; n < 7; ++n) put(store, claim_of(numbered_key(n), base));
  const IdempotencyRecord grows = claim_of(numbered_key(7), base);
  during([&] { (void)store.claim_pending(grows); });
  CHECK(releases == 1);  // the old places

  IdempotencyRecord done = outcome_of(grows, RecordStatus::completed, base);
  const WriteGuard guard = guard_of(grows);
  CHECK(store.save_if(guard, done));
  done.result = std::nullopt;  // the store's is the last handle of the result
  IdempotencyRecord rival = grows;
  rival.attempt_token = AttemptToken{"rival"};
  during([&] { (void)store.save_if(guard_of(done), rival); });
  CHECK(releases >= 1);  // the old record and its result

  during([&] { (void)store.purge_expired(base + one_tick, 100); });
  CHECK(releases == 7);
}
