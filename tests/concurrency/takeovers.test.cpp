// SPDX-License-Identifier: MIT
// What several callers make of one record that has lapsed, its owner among them.
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

constexpr std::size_t threads = 8;

struct Lapsing {
  InMemoryIdempotencyStore memory;
  MeetingStore store{memory};
  testing::ManualClock clock{start};
  IdempotencyPolicy policy{.pending_ttl = 10s, .completed_ttl = 1h, .failed_ttl = 10s};
  IdempotencyService service{store, clock, policy};
  IdempotencyKey the_key = key("0");

  // Effects: goes on to another key, and claims it.
  Attempt claim(std::size_t round) {
    the_key = key(std::to_string(round));
    const std::optional<Attempt> attempt = attempt_in(service.begin(the_key, fingerprint()));
    REQUIRE(attempt);
    return *attempt;
  }
};

}  // namespace

TEST_CASE("of many callers, one takes a lapsed or a failed command over") {
  Lapsing world;
  Findings findings;
  for (std::size_t round = 0; round < 120; ++round) {
    const Attempt owner = world.claim(round);
    switch (round % 4) {
      case 0:  // a lease that ran out
        world.clock.advance(10s + Duration{1});
        break;
      case 1:  // a result that ran out
        world.service.complete(owner, result());
        world.clock.advance(1h + Duration{1});
        break;
      case 2:  // a failure that ran out
        world.service.fail(owner);
        world.clock.advance(10s + Duration{1});
        break;
      default:  // a failure that may be tried again; no clock needed
        world.service.fail(owner);
    }
    std::vector<std::optional<Attempt>> attempts(threads);
    world.store.let_meet(threads);  // all of them find it free, and want it
    run_together(threads, [&](std::size_t thread) {
      // Once a deadline has passed, another request is as welcome.
      const bool other = round % 4 != 3 && thread % 2 == 1;
      const BeginDecision decision =
          world.service.begin(world.the_key, other ? other_fingerprint() : fingerprint());
      attempts[thread] = attempt_in(decision);
      findings.expect(attempts[thread] || is<InProgress>(decision) || is<Conflict>(decision),
                      "an answer that can't be");
    });
    std::size_t taken = 0;
    for (const std::optional<Attempt>& attempt : attempts) {
      if (!attempt) continue;
      ++taken;
      CHECK(attempt->fence > owner.fence);
      CHECK(attempt->token != owner.token);
      CHECK(world.store.find(world.the_key)->attempt_token == attempt->token);
    }
    REQUIRE(taken == 1);
  }
  CHECK(findings.text() == "");
}

TEST_CASE("a late owner and its successors: one outcome is acknowledged, and it stays") {
  Lapsing world;
  const bool accept = GENERATE(true, false);
  IdempotencyPolicy policy = world.policy;
  policy.late_completion = accept ? LateCompletion::accept : LateCompletion::reject;
  IdempotencyService service(world.store, world.clock, policy);
  Findings findings;
  std::size_t won_by_owner = 0;
  for (std::size_t round = 0; round < 200; ++round) {
    const Attempt owner = world.claim(round);
    world.clock.advance(10s + Duration{1});
    std::vector<std::optional<std::string>> acknowledged(4);
    std::vector<std::optional<std::string>> replayed(4);
    world.store.let_meet(4);
    run_together(4, [&](std::size_t thread) {
      const std::string bytes = "by " + std::to_string(thread);
      if (thread == round % 4) {
        const auto reason = refusal([&] { service.complete(owner, result(bytes)); });
        if (!reason) acknowledged[thread] = bytes;
        findings.expect(!reason || reason == CompletionFailure::superseded ||
                            (!accept && reason == CompletionFailure::lease_expired),
                        "the owner is refused for a reason that can't be");
        return;
      }
      const BeginDecision decision = service.begin(world.the_key, fingerprint());
      replayed[thread] = replay_in(decision);
      if (const auto attempt = attempt_in(decision)) {
        service.complete(*attempt, result(bytes));
        acknowledged[thread] = bytes;
      }
    });
    std::optional<std::string> the_one;
    for (const auto& bytes : acknowledged) {
      if (!bytes) continue;
      REQUIRE_FALSE(the_one);
      the_one = bytes;
    }
    REQUIRE(the_one);
    if (acknowledged[round % 4]) ++won_by_owner;
    for (const auto& bytes : replayed) {
      if (bytes) CHECK(bytes == the_one);
    }
    // Whatever the superseded owner tries, nothing changes any more.
    if (!acknowledged[round % 4]) {
      const std::optional<IdempotencyRecord> before = world.store.find(world.the_key);
      CHECK(refusal([&] { service.complete(owner, result("late")); }) ==
            CompletionFailure::superseded);
      CHECK(refusal([&] { service.fail(owner); }) == CompletionFailure::superseded);
      CHECK(refusal([&] { (void)service.renew(owner); }) == CompletionFailure::superseded);
      CHECK(world.store.find(world.the_key) == before);
    }
    CHECK(replay_in(service.begin(world.the_key, fingerprint())) == the_one);
  }
  CHECK(findings.text() == "");
  if (!accept) CHECK(won_by_owner == 0);
}

TEST_CASE("superseded attempts report as they like while the successor works: nothing changes") {
  Lapsing world;
  Findings findings;
  for (std::size_t round = 0; round < 60; ++round) {
    const Attempt owner = world.claim(round);
    world.clock.advance(10s + Duration{1});
    const auto successor = attempt_in(world.service.begin(world.the_key, fingerprint()));
    REQUIRE(successor);
    world.store.let_meet(4);
    run_together(4, [&](std::size_t thread) {
      if (thread == 0) {
        (void)world.service.renew(*successor);
        world.service.complete(*successor, result("successor"));
        return;
      }
      const auto reason = refusal([&] {
        if (thread == 1) world.service.complete(owner, result("late"));
        if (thread == 2) world.service.fail(owner);
        if (thread == 3) (void)world.service.renew(owner);
      });
      findings.expect(reason == CompletionFailure::superseded, "a superseded attempt got through");
    });
    CHECK(replay_in(world.service.begin(world.the_key, fingerprint())) == "successor");
  }
  CHECK(findings.text() == "");
}
