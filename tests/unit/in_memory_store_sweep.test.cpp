// SPDX-License-Identifier: MIT
// Purging in detail: where in a table the records are, where a step of a sweep ends, and what
// others do between two steps. The store keeps a bound on the earliest deadline of each of its
// parts and looks only where something may have lapsed; it must never overlook a record for it.
#include "unit/crafted_hash.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>

#include "nexus/idempotency/in_memory_store.hpp"
#include "support/catch.hpp"
#include "unit/allocation_hooks.hpp"
#include "unit/memory_model.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;

namespace {

using Hash = std::uint64_t (*)(std::uint64_t) noexcept;

void choose_hash() {
  crafted_hash = GENERATE(Hash{&all_at_the_start}, Hash{&all_at_the_end}, Hash{&around_the_end},
                          Hash{&all_over_one_table});
}

void fill(InMemoryIdempotencyStore& store, std::size_t first, std::size_t records,
          Timestamp deadline) {
  for (std::size_t n = first; n < first + records; ++n) {
    put(store, claim_of(numbered_key(n), deadline));
  }
}

}  // namespace

TEST_CASE("a purge removes all that lapsed, wherever it stands") {
  choose_hash();
  // More records than a step looks at, or removes.
  const std::size_t records = GENERATE(1U, 6U, 63U, 64U, 65U, 129U, 700U);
  InMemoryIdempotencyStore store;
  fill(store, 0, records, base);
  CHECK(store.purge_expired(base, records) == 0);
  CHECK(store.purge_expired(base + one_tick, records + 1) == records);
  CHECK(store.size() == 0);
}

TEST_CASE("purges of any limit add up") {
  choose_hash();
  const std::size_t limit = GENERATE(1U, 7U, 63U, 64U, 65U, 100U, 299U, 300U);
  InMemoryIdempotencyStore store;
  // What lapsed stands before, between and behind what has not.
  for (std::size_t n = 0; n < 600; ++n) {
    put(store, claim_of(numbered_key(n), base + (n % 2 == 0 ? 0s : 1h)));
  }
  std::size_t left = 300;
  while (left >= limit) {
    REQUIRE(store.purge_expired(base + one_tick, limit) == limit);
    left -= limit;
    REQUIRE(store.size() == 300 + left);
  }
  CHECK(store.purge_expired(base + one_tick, limit) == left);
  for (std::size_t n = 0; n < 600; ++n) {
    CHECK(store.find(numbered_key(n)).has_value() == (n % 2 == 1));
  }
  CHECK(store.purge_expired(base + 1h + one_tick, 600) == 300);
}

TEST_CASE("a purge that removes nothing, or not all, loses sight of nothing") {
  choose_hash();
  InMemoryIdempotencyStore store;
  fill(store, 0, 300, base);
  fill(store, 300, 300, base + 1h);
  CHECK(store.purge_expired(base, 1000) == 0);
  CHECK(store.purge_expired(base + one_tick, 100) == 100);
  CHECK(store.purge_expired(base + one_tick, 100) == 100);
  CHECK(store.purge_expired(base + one_tick, 1000) == 100);
  CHECK(store.purge_expired(base + one_tick, 1000) == 0);
  // Deadlines that are moved to an earlier time, now that the bound is known to be later.
  for (std::size_t n = 300; n < 450; ++n) {
    const IdempotencyRecord claim = claim_of(numbered_key(n), base + 1h);
    REQUIRE(store.save_if(guard_of(claim), outcome_of(claim, RecordStatus::completed, base)));
  }
  CHECK(store.purge_expired(base + one_tick, 50) == 50);
  fill(store, 600, 2000, base + 1h);  // growth in between
  CHECK(store.purge_expired(base + one_tick, 1000) == 100);
  CHECK(store.purge_expired(base + one_tick, 1000) == 0);
  CHECK(store.purge_expired(base + 1h + one_tick, 5000) == 2150);
}

TEST_CASE("a claim at the limit finds all that lapsed, wherever it stands") {
  choose_hash();
  constexpr std::size_t max = 300;
  InMemoryIdempotencyStore store(InMemoryStoreOptions{.max_records = max});
  fill(store, 0, max, base);
  const Timestamp created_at = base + retention_grace + one_tick;
  for (std::size_t n = max; n < 2 * max; ++n) {
    REQUIRE(store.claim_pending(claim_of(numbered_key(n), std::nullopt, created_at)).claimed_new());
  }
  const IdempotencyRecord refused = claim_of(numbered_key(2 * max), std::nullopt, created_at);
  CHECK(store_error([&] { (void)store.claim_pending(refused); }) == StoreErrc::exhausted);
  CHECK(store.size() == max);
}

TEST_CASE("a store agrees with a map wherever its records stand") {
  choose_hash();
  const std::optional<std::size_t> max =
      GENERATE(std::optional<std::size_t>(), std::optional<std::size_t>(150));
  const auto seed = GENERATE(range(1U, 4U));
  INFO("seed " << seed << ", max_records " << max.value_or(0));
  InMemoryIdempotencyStore store(InMemoryStoreOptions{.max_records = max});
  MemoryModel model(store, seed, 400, max);
  for (int i = 0; i < 600; ++i) model.claim();
  for (int i = 0; i < 2000; ++i) model.any_call();
  model.check_all();
}

TEST_CASE(
    "a purge that starts over in a grown table, and is then cut short, loses sight of nothing") {
  choose_hash();
  InMemoryIdempotencyStore store;
  fill(store, 0, 300, base);
  bool grown = false;
  std::size_t removed = 0;
  {
    const OnRelease hook([&] {
      if (!grown) fill(store, 1000, 600, base + 1h);  // after the first step
      grown = true;
    });
    removed = store.purge_expired(base + one_tick, 200);
  }
  REQUIRE(grown);
  CHECK(removed == 200);
  CHECK(store.purge_expired(base + one_tick, 1000) == 100);
  CHECK(store.purge_expired(base + 1h + one_tick, 1000) == 600);
}

TEST_CASE("a purge stays right when others claim, grow and write between its steps") {
  choose_hash();
  const auto seed = GENERATE(range(1U, 7U));
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  InMemoryIdempotencyStore store;
  MemoryModel model(store, seed, 1000);
  for (int round = 0; round < 6; ++round) {
    // So few that a sweep comes upon a table that is about to grow.
    for (int i = 0; i < 150; ++i) model.claim();
    const Timestamp before = base + std::chrono::minutes{20 * static_cast<long>(random() % 12)};
    const std::size_t limit = random() % 3 == 0 ? random() % 200 + 1 : 100'000;
    model.purge_among_calls(before, limit, [&] {
      // A sweep releases what it removed between two of its steps.
      const OnRelease hook([&] {
        if (random() % 4 == 0) model.call_during_purge();
        if (random() % 64 == 0) {
          for (int i = 0; i < 200; ++i) model.call_during_purge();
        }
      });
      return store.purge_expired(before, limit);
    });
    model.check_all();
    model.purge(before, 100'000);  // what was moved behind its back
    model.check_all();
    for (int i = 0; i < 100; ++i) model.save();
    model.purge();
    model.purge(model.random_time(), 100'000);
  }
}
