// SPDX-License-Identifier: MIT
// InMemoryStoreOptions::max_records when many claim at once.
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "concurrency/crew.hpp"
#include "nexus/idempotency.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"
#include "support/catch.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;

namespace {

constexpr std::size_t threads = 4;

struct Limited {
  explicit Limited(std::size_t max_records) : store(InMemoryStoreOptions{max_records}) {}

  // Returns: whether a new key was admitted; a refusal must say `exhausted`.
  bool admitted(const IdempotencyKey& new_key) {
    bool first = false;
    const auto error =
        store_error([&] { first = is<FirstExecution>(service.begin(new_key, fingerprint())); });
    findings.expect(first == !error, "an answer that can't be");
    findings.expect(!error || error == StoreErrc::exhausted, "an error that can't be");
    return first;
  }

  InMemoryIdempotencyStore store;
  testing::ManualClock clock{start};
  IdempotencyService service{store, clock, {.pending_ttl = 1s}};
  Findings findings;
};

IdempotencyKey key_of(std::size_t thread, std::size_t n) {
  return key(std::to_string(thread) + "/" + std::to_string(n));
}

}  // namespace

TEST_CASE("of more claims than places exactly as many succeed as there are places") {
  const std::size_t max = GENERATE(0U, 1U, 3U, 250U);
  Limited world(max);
  std::vector<std::size_t> admitted(threads);
  std::atomic<std::size_t> working{threads};
  run_together(threads + 1, [&](std::size_t thread) {
    if (thread == threads) {
      while (working != 0) {
        world.findings.expect(world.store.size() <= max, "there were more records than allowed");
      }
      return;
    }
    for (std::size_t n = 0; n < 80; ++n) {
      if (world.admitted(key_of(thread, n))) ++admitted[thread];
    }
    --working;
  });
  std::size_t all = 0;
  for (const std::size_t each : admitted) all += each;
  CHECK(all == max);
  CHECK(world.store.size() == max);
  CHECK(world.findings.text() == "");
}

TEST_CASE("of many claims of one key at the last place one succeeds, and the place is taken once") {
  for (std::size_t round = 0; round < 100; ++round) {
    Limited world(2);
    std::vector<char> first(threads);
    run_together(threads, [&](std::size_t thread) {
      first[thread] = is<FirstExecution>(world.service.begin(key_of(9, 0), fingerprint())) ? 1 : 0;
    });
    CHECK(count(first) == 1);
    CHECK(world.admitted(key_of(9, 1)));
    CHECK_FALSE(world.admitted(key_of(9, 2)));
    CHECK(world.store.size() == 2);
  }
}

TEST_CASE("claims at the limit share out what has lapsed") {
  constexpr std::size_t lapsed = 700;
  static_assert(lapsed % threads == 0);
  constexpr std::size_t live = 100;
  Limited world(lapsed + live);
  for (std::size_t n = 0; n < lapsed; ++n) REQUIRE(world.admitted(key_of(9, n)));
  world.clock.advance(1s + retention_grace + Duration{1});
  std::vector<Attempt> owners;
  for (std::size_t n = 0; n < live; ++n) {
    const auto attempt = attempt_in(world.service.begin(key_of(8, n), fingerprint()));
    REQUIRE(attempt);
    owners.push_back(*attempt);
  }
  // As many claims as places can be had: none may be refused because others made the room.
  run_together(threads, [&](std::size_t thread) {
    for (std::size_t n = 0; n < lapsed / threads; ++n) {
      world.findings.expect(world.admitted(key_of(thread, n)), "there was room, but not for all");
      // Meanwhile the live ones are completed and replayed.
      if (n < live && thread == 0) world.service.complete(owners[n], result());
      if (n < live) {
        const BeginDecision decision = world.service.begin(owners[n].key, fingerprint());
        world.findings.expect(is<InProgress>(decision) || is<Replay>(decision),
                              "a live record was given up");
      }
    }
  });
  CHECK(world.store.size() == lapsed + live);
  CHECK(world.findings.text() == "");
  CHECK_FALSE(world.admitted(key_of(7, 0)));
}

TEST_CASE("claims that make room at the same moment don't refuse one another") {
  // As many lapsed records as claims. Whoever comes first may take them all away, but needs only
  // one of the places.
  Limited world(threads);
  for (std::size_t thread = 0; thread < threads; ++thread) {
    REQUIRE(world.admitted(key_of(thread, 0)));
  }
  std::barrier next_phase(static_cast<std::ptrdiff_t>(threads));
  run_together(threads, [&](std::size_t thread) {
    for (std::size_t round = 1; round <= 300; ++round) {
      if (thread == 0) world.clock.advance(1s + retention_grace + Duration{1});
      next_phase.arrive_and_wait();
      world.findings.expect(world.admitted(key_of(thread, round)), "one was refused");
      next_phase.arrive_and_wait();
    }
  });
  CHECK(world.store.size() == threads);
  CHECK(world.findings.text() == "");
}

TEST_CASE("places freed by purges beside claims are neither lost nor doubled") {
  constexpr std::size_t max = 64;
  Limited world(max);
  constexpr std::size_t rounds = 40;
  for (std::size_t round = 0; round < rounds; ++round) {
    std::vector<std::size_t> admitted(threads);
    std::size_t purged = 0;
    const std::size_t before = world.store.size();
    run_together(threads + 1, [&](std::size_t thread) {
      if (thread == threads) {
        for (int i = 0; i < 4; ++i) purged += world.store.purge_expired(world.clock.now(), 8);
        return;
      }
      for (std::size_t n = 0; n < 16; ++n) {
        if (world.admitted(key_of(round * threads + thread, n))) ++admitted[thread];
      }
    });
    std::size_t all = 0;
    for (const std::size_t each : admitted) all += each;
    CHECK(world.store.size() == before + all - purged);
    CHECK(world.store.size() <= max);
    world.clock.advance(2s);  // all have lapsed, but within the grace
  }
  while (world.admitted(key_of(rounds * threads, world.store.size()))) {
  }
  CHECK(world.store.size() == max);
  CHECK(world.findings.text() == "");
}

TEST_CASE("no claim is refused while there is a place, whatever others are being refused") {
  // One place, and it is just being freed: of those who want it, one must get it.
  Limited world(1);
  REQUIRE(world.admitted(key_of(9, 0)));
  std::vector<char> admitted(threads);
  std::barrier next_phase(static_cast<std::ptrdiff_t>(threads));
  run_together(threads, [&](std::size_t thread) {
    for (std::size_t round = 0; round < 300; ++round) {
      if (thread == 0) world.clock.advance(2s);
      next_phase.arrive_and_wait();
      if (thread == 0) {
        world.findings.expect(world.store.purge_expired(world.clock.now(), 2) == 1,
                              "a lapsed record was not removed");
      }
      admitted[thread] = world.admitted(key_of(thread, round)) ? 1 : 0;
      next_phase.arrive_and_wait();
      if (thread == 0) world.findings.expect(count(admitted) == 1, "not one got the one place");
    }
  });
  CHECK(world.findings.text() == "");
}
