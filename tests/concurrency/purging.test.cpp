// SPDX-License-Identifier: MIT
// Purges, and the growth of the store, beside all other work.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "concurrency/crew.hpp"
#include "nexus/idempotency.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"
#include "support/catch.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;

namespace {

IdempotencyKey key_of(std::size_t thread, std::size_t n) {
  return key(std::to_string(thread) + "/" + std::to_string(n));
}

IdempotencyRecord lapsed_claim(const IdempotencyKey& key, Timestamp now) {
  return {.key = key,
          .status = RecordStatus::pending,
          .fingerprint = fingerprint(),
          .attempt_token = AttemptToken{"abandoned"},
          .fence = 1,
          .result = std::nullopt,
          .created_at = now - 1h,
          .last_transition_at = now - 1h,
          .expires_at = now - Duration{1}};
}

}  // namespace

TEST_CASE("purges that never stop take what has lapsed, and nothing else") {
  InMemoryIdempotencyStore store;
  testing::ManualClock clock(start);
  IdempotencyService service(store, clock, {.pending_ttl = 1h, .completed_ttl = 24h});
  constexpr std::size_t workers = 4;
  constexpr std::size_t commands = 600;
  std::atomic<std::size_t> working{workers};
  std::size_t purged = 0;
  Findings findings;

  run_together(workers + 1, [&](std::size_t thread) {
    if (thread == workers) {
      for (std::size_t limit = 1; working != 0; limit = limit % 100 + 1) {
        // No grace: what lapsed a moment ago goes, and what has just been renewed must not.
        purged += store.purge_expired(clock.now(), limit);
      }
      return;
    }
    for (std::size_t n = 0; n < commands; ++n) {
      const IdempotencyKey kept = key_of(thread, n);
      const std::optional<Attempt> attempt = attempt_in(service.begin(kept, fingerprint()));
      (void)store.claim_pending(lapsed_claim(key_of(thread + workers, n), clock.now()));
      clock.advance(1s);  // all of them together stay below a lease
      findings.expect(is<InProgress>(service.begin(kept, fingerprint())), "a live claim is gone");
      if (!attempt) {
        findings.expect(false, "a key was not free");
        continue;
      }
      const auto reason = refusal([&] { service.complete(*attempt, result(std::to_string(n))); });
      findings.expect(!reason, "an outcome found its claim gone");
      findings.expect(replay_in(service.begin(kept, fingerprint())) == std::to_string(n),
                      "what was just completed is gone");
    }
    --working;
  });

  CHECK(findings.text() == "");
  purged += store.purge_expired(clock.now(), workers * commands);
  CHECK(purged == workers * commands);
  CHECK(store.size() == workers * commands);
  for (std::size_t thread = 0; thread < workers; ++thread) {
    for (std::size_t n = 0; n < commands; ++n) {
      CHECK(replay_in(service.begin(key_of(thread, n), fingerprint())) == std::to_string(n));
    }
  }
  clock.advance(25h);
  CHECK(store.purge_expired(clock.now(), 2 * workers * commands) == workers * commands);
}

TEST_CASE("a late outcome beside a purge is either recorded and stays, or is told to be missing") {
  InMemoryIdempotencyStore store;
  testing::ManualClock clock(start);
  IdempotencyService service(store, clock, {.pending_ttl = 1s});
  constexpr std::size_t owners = 3;
  Findings findings;
  for (std::size_t round = 0; round < 60; ++round) {
    constexpr std::size_t each = 10;
    std::vector<Attempt> attempts;
    for (std::size_t n = 0; n < owners * each; ++n) {
      const auto attempt = attempt_in(service.begin(key_of(round, n), fingerprint()));
      REQUIRE(attempt);
      attempts.push_back(*attempt);
    }
    clock.advance(2s);
    std::vector<char> recorded(owners * each);
    std::size_t purged = 0;
    run_together(owners + 1, [&](std::size_t thread) {
      if (thread == owners) {
        for (std::size_t n = 0; n < 2 * each; ++n) purged += store.purge_expired(clock.now(), 1);
        return;
      }
      for (std::size_t n = thread * each; n < (thread + 1) * each; ++n) {
        const auto reason = refusal([&] { service.complete(attempts[n], result()); });
        recorded[n] = reason ? 0 : 1;
        findings.expect(!reason || reason == CompletionFailure::missing,
                        "refused for a reason that can't be");
      }
    });
    CHECK(purged == attempts.size() - count(recorded));
    for (std::size_t n = 0; n < attempts.size(); ++n) {
      CHECK(store.find(attempts[n].key).has_value() == (recorded[n] != 0));
    }
  }
  CHECK(findings.text() == "");
}

TEST_CASE("several purges at once share the work") {
  InMemoryIdempotencyStore store;
  testing::ManualClock clock(start);
  IdempotencyService service(store, clock, {.pending_ttl = 1s});
  constexpr std::size_t records = 5000;
  for (std::size_t n = 0; n < records; ++n) {
    REQUIRE(attempt_in(service.begin(key_of(0, n), fingerprint())));
  }
  clock.advance(2s);
  std::vector<std::size_t> purged(4);
  run_together(4, [&](std::size_t thread) {
    for (std::size_t n = 0; n < 10; ++n) purged[thread] += store.purge_expired(clock.now(), 150);
  });
  std::size_t all = 0;
  for (const std::size_t each : purged) all += each;
  CHECK(all == records);  // which of them got how many is chance
  CHECK(store.size() == 0);
}

TEST_CASE("while a store grows, readers find every record whole, and none twice") {
  InMemoryIdempotencyStore store;
  testing::ManualClock clock(start);
  IdempotencyService service(store, clock);
  constexpr std::size_t settled = 500;
  std::vector<IdempotencyRecord> records;
  for (std::size_t n = 0; n < settled; ++n) {
    const auto attempt = attempt_in(service.begin(key_of(0, n), fingerprint()));
    REQUIRE(attempt);
    service.complete(*attempt, result(std::to_string(n)));
    records.push_back(*store.find(attempt->key));
  }
  constexpr std::size_t writers = 2;
  constexpr std::size_t readers = 3;
  constexpr std::size_t commands = 15'000;  // the store doubles five times
  std::atomic<std::size_t> writing{writers};
  Findings findings;
  run_together(writers + readers, [&](std::size_t thread) {
    if (thread < writers) {
      for (std::size_t n = 0; n < commands; ++n) {
        const IdempotencyKey written = key_of(1 + thread, n);
        const auto attempt = attempt_in(service.begin(written, fingerprint()));
        findings.expect(attempt.has_value(), "a key was not free");
        findings.expect(attempt && store.find(written)->attempt_token == attempt->token,
                        "a claim is not found");
      }
      --writing;
      return;
    }
    std::size_t size = 0;
    while (writing != 0) {
      for (const IdempotencyRecord& record : records) {
        findings.expect(store.find(record.key) == record, "a settled record is not as it was");
        findings.expect(is<Replay>(service.begin(record.key, fingerprint())),
                        "a settled record is not replayed");
      }
      const std::size_t now = store.size();
      findings.expect(now >= settled && now >= size, "the store has become smaller");
      size = now;
    }
  });
  CHECK(findings.text() == "");
  CHECK(store.size() == settled + writers * commands);
}

TEST_CASE("several threads that make the same part of a store grow lose nothing") {
  // New stores, so that each thread's first claims meet empty tables.
  for (int round = 0; round < 20; ++round) {
    InMemoryIdempotencyStore store;
    testing::ManualClock clock(start);
    IdempotencyService service(store, clock);
    constexpr std::size_t threads = 4;
    constexpr std::size_t commands = 500;
    std::vector<std::size_t> claimed(threads);
    run_together(threads, [&](std::size_t thread) {
      for (std::size_t n = 0; n < commands; ++n) {
        if (attempt_in(service.begin(key_of(0, n), fingerprint()))) ++claimed[thread];
      }
    });
    std::size_t all = 0;
    for (const std::size_t each : claimed) all += each;
    REQUIRE(all == commands);
    REQUIRE(store.size() == commands);
  }
}
