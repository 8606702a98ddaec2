// SPDX-License-Identifier: MIT
// An owner that renews its lease while others want the key.
#include <barrier>
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

constexpr std::size_t contenders = 4;

}  // namespace

TEST_CASE("a lease that is renewed in time is never lost") {
  InMemoryIdempotencyStore store;
  testing::ManualClock clock(start);
  IdempotencyService service(store, clock, {.pending_ttl = 10s});
  const std::optional<Attempt> attempt = attempt_in(service.begin(key(), fingerprint()));
  REQUIRE(attempt);
  // In each round the clock goes on by less than half a lease while the owner renews, so whichever
  // comes first, what was renewed in one round lasts through the next.
  constexpr std::size_t rounds = 300;
  std::barrier round_ends(static_cast<std::ptrdiff_t>(2 + contenders));
  Findings findings;
  run_together(2 + contenders, [&](std::size_t thread) {
    Attempt held = *attempt;
    for (std::size_t round = 0; round < rounds; ++round) {
      if (thread == 0) {
        const auto reason = refusal([&] {
          const Attempt renewed = service.renew(held);
          findings.expect(*renewed.lease_end >= *held.lease_end, "a renewal shortened the lease");
          held = renewed;
        });
        findings.expect(!reason, "a renewal in time was refused");
      } else if (thread == 1) {
        clock.advance(4s);
      } else {
        findings.expect(is<InProgress>(service.begin(key(), fingerprint())),
                        "a lease that was renewed in time was taken over");
      }
      round_ends.arrive_and_wait();
    }
    if (thread == 0) service.complete(held, result());
  });
  CHECK(findings.text() == "");
  CHECK(replay_in(service.begin(key(), fingerprint())) == "result");
}

TEST_CASE("a late renewal and many callers: either the lease goes on or one of them has it") {
  InMemoryIdempotencyStore memory;
  MeetingStore store(memory);
  testing::ManualClock clock(start);
  IdempotencyService service(store, clock, {.pending_ttl = 10s});
  for (std::size_t round = 0; round < 200; ++round) {
    const IdempotencyKey the_key = key(std::to_string(round));
    const std::optional<Attempt> owner = attempt_in(service.begin(the_key, fingerprint()));
    REQUIRE(owner);
    clock.advance(10s + Duration{1});
    std::optional<Attempt> renewed;
    std::optional<CompletionFailure> reason;
    std::vector<std::optional<Attempt>> taken(contenders);
    store.let_meet(1 + contenders);
    run_together(1 + contenders, [&](std::size_t thread) {
      if (thread == 0) {
        reason = refusal([&] { renewed = service.renew(*owner); });
      } else {
        taken[thread - 1] = attempt_in(service.begin(the_key, fingerprint()));
      }
    });
    std::size_t holders = renewed ? 1 : 0;
    for (const std::optional<Attempt>& attempt : taken) holders += attempt ? 1 : 0;
    REQUIRE(holders == 1);
    if (!renewed) CHECK(reason == CompletionFailure::superseded);
    const std::optional<IdempotencyRecord> stored = store.find(the_key);
    REQUIRE(stored);
    CHECK(stored->expires_at == clock.now() + 10s);
    CHECK((stored->attempt_token == owner->token) == renewed.has_value());
  }
}

TEST_CASE("renewals by services of different policies: the longest lease stands") {
  InMemoryIdempotencyStore memory;
  MeetingStore store(memory);
  testing::ManualClock clock(start);
  for (std::size_t round = 0; round < 100; ++round) {
    const IdempotencyKey the_key = key(std::to_string(round));
    IdempotencyService first(store, clock, {.pending_ttl = 1s});
    const std::optional<Attempt> owner = attempt_in(first.begin(the_key, fingerprint()));
    REQUIRE(owner);
    store.let_meet(4);
    run_together(4, [&](std::size_t thread) {
      const std::chrono::seconds ttl{1 + (thread * 3 + round) % 4};
      IdempotencyService service(store, clock, {.pending_ttl = ttl});
      (void)service.renew(*owner);
    });
    CHECK(store.find(the_key)->expires_at == start + 4s);
  }
}

TEST_CASE("renewals and the outcome of one attempt: what is recorded last is the outcome") {
  InMemoryIdempotencyStore memory;
  MeetingStore store(memory);
  testing::ManualClock clock(start);
  IdempotencyService service(store, clock);
  Findings findings;
  for (std::size_t round = 0; round < 200; ++round) {
    const IdempotencyKey the_key = key(std::to_string(round));
    const std::optional<Attempt> owner = attempt_in(service.begin(the_key, fingerprint()));
    REQUIRE(owner);
    store.let_meet(3);
    run_together(3, [&](std::size_t thread) {
      if (thread == 0) return service.complete(*owner, result());
      const auto reason = refusal([&] { (void)service.renew(*owner); });
      findings.expect(!reason || reason == CompletionFailure::not_open,
                      "a renewal was refused for a reason that can't be");
    });
    CHECK(replay_in(service.begin(the_key, fingerprint())) == "result");
    CHECK(store.find(the_key)->expires_at == start + 24h);
  }
  CHECK(findings.text() == "");
}
