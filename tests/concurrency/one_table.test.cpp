// SPDX-License-Identifier: MIT
// The store with a hash that sends all keys to one of its parts, which is then as crowded as can
// be: purges of many steps, others at work between any two of them, and growth all the time.
#include "unit/crafted_hash.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "concurrency/crew.hpp"
#include "nexus/idempotency.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"
#include "support/catch.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;

namespace {

constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

struct OneTable {
  OneTable() { crafted_hash = &all_over_one_table; }

  void claim(std::size_t first, std::size_t records) {
    for (std::size_t n = first; n < first + records; ++n) {
      findings.expect(is<FirstExecution>(service.begin(key(std::to_string(n)), fingerprint())),
                      "a key was not free");
    }
  }

  InMemoryIdempotencyStore store;
  testing::ManualClock clock{start};
  IdempotencyService service{store, clock, {.pending_ttl = 1s}};
  Findings findings;
};

}  // namespace

TEST_CASE("a purge that falls short of its limit has left nothing, whoever else is purging") {
  for (int round = 0; round < 5; ++round) {
    OneTable world;
    constexpr std::size_t records = 3000;
    world.claim(0, records);
    world.clock.advance(2s);
    constexpr std::size_t threads = 4;
    std::vector<std::size_t> purged(threads);
    run_together(threads, [&](std::size_t thread) {
      constexpr std::size_t limit = 200;
      std::size_t removed = limit;
      while (removed == limit) {
        removed = world.store.purge_expired(world.clock.now(), limit);
        purged[thread] += removed;
      }
      world.findings.expect(world.store.size() == 0, "there was more to remove");
    });
    std::size_t all = 0;
    for (const std::size_t each : purged) all += each;
    CHECK(all == records);
    CHECK(world.findings.text() == "");
  }
}

TEST_CASE("purges beside growth take what had lapsed before and leave all that is new") {
  OneTable world;
  constexpr std::size_t each = 1500;
  constexpr std::size_t rounds = 5;
  for (std::size_t round = 0; round < rounds; ++round) {
    const std::size_t lapsed = world.store.size();
    world.clock.advance(2s);
    std::atomic<std::size_t> working{2};
    std::size_t purged = 0;
    run_together(3, [&](std::size_t thread) {
      if (thread < 2) {
        world.claim((2 * round + thread) * each, each);
        --working;
        return;
      }
      for (std::size_t limit = 1; working != 0; limit = limit % 150 + 1) {
        purged += world.store.purge_expired(world.clock.now(), limit);
      }
      purged += world.store.purge_expired(world.clock.now(), no_limit);
    });
    CHECK(purged == lapsed);
    CHECK(world.store.size() == 2 * each);
  }
  CHECK(world.findings.text() == "");
}

TEST_CASE("purges find the deadlines that others move to an earlier time meanwhile") {
  OneTable world;
  IdempotencyService brief(world.store, world.clock, {.pending_ttl = 24h, .completed_ttl = 1s});
  constexpr std::size_t records = 2000;
  std::vector<Attempt> attempts;
  for (std::size_t n = 0; n < records; ++n) {
    const auto attempt = attempt_in(brief.begin(key(std::to_string(n)), fingerprint()));
    REQUIRE(attempt);
    attempts.push_back(*attempt);
  }
  std::atomic<bool> working{true};
  std::size_t purged = 0;
  run_together(2, [&](std::size_t thread) {
    if (thread == 0) {
      for (std::size_t n = 0; n < records; n += 2) brief.complete(attempts[n], result());
      working = false;
      return;
    }
    while (working) purged += world.store.purge_expired(start + 2s, 40);
  });
  purged += world.store.purge_expired(start + 2s, no_limit);
  CHECK(purged == records / 2);
  for (std::size_t n = 0; n < records; ++n) {
    CHECK(world.store.find(attempts[n].key).has_value() == (n % 2 == 1));
  }
}
