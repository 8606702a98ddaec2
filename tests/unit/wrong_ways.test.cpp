// SPDX-License-Identifier: MIT
// What other packages got wrong, one regression test each. A rival acts at the exact store call
// where their window is. (Races of many callers are enumerated in tests/interleavings.)
#include <optional>
#include <string>
#include <vector>

#include "nexus/idempotency.hpp"
#include "support/catch.hpp"
#include "support/service_world.hpp"

namespace nexus::idempotency::test {
namespace {

// A second process over the same store, without faults.
struct Rival {
  IdempotencyService service;
  explicit Rival(World& w, IdempotencyPolicy policy = {}) : service(w.memory, w.clock, policy) {}
  BeginDecision begin(const RequestFingerprint& fp = fingerprint()) {
    return service.begin(key(), fp);
  }
  Attempt claim(const RequestFingerprint& fp = fingerprint()) {
    return std::get<FirstExecution>(begin(fp)).attempt;
  }
};

TEST_CASE("find-then-delete of an expired record: the rival's fresh claim survives the takeover") {
  for (const bool completed : {false, true}) {
    World w;
    const Attempt old = w.claim();
    if (completed) w.service().complete(old, result());
    w.clock.advance(25h);
    Rival rival(w);
    std::optional<Attempt> rivals;
    w.store.reset();
    w.store.before(2, [&] { rivals = rival.claim(); });  // between the judgement and the takeover
    CHECK(is<InProgress>(w.begin()));
    rival.service.complete(*rivals, result("rival's"));
    CHECK(std::get<Replay>(w.begin()).result == result("rival's"));
  }
}

TEST_CASE("the same for a failed record with retry allowed, which needs no clock") {
  World w;
  w.service().fail(w.claim());
  Rival rival(w);
  std::optional<Attempt> rivals;
  w.store.reset();
  w.store.before(2, [&] { rivals = rival.claim(); });
  CHECK(is<InProgress>(w.begin()));
  rival.service.complete(*rivals, result());
}

TEST_CASE("a takeover of a record that its owner completes in the last moment gets the result") {
  World w;
  const Attempt owner = w.claim();
  w.clock.advance(16min);
  Rival late(w);
  w.store.reset();
  w.store.before(2, [&] { late.service.complete(owner, result()); });
  const BeginDecision decision = w.begin();
  REQUIRE(is<Replay>(decision));
  CHECK(std::get<Replay>(decision).result == result());
}

TEST_CASE("a takeover of a lease that its owner renews in the last moment waits") {
  World w;
  const Attempt owner = w.claim();
  w.clock.advance(16min);
  Rival late(w);
  w.store.reset();
  w.store.before(2, [&] { (void)late.service.renew(owner); });
  CHECK(is<InProgress>(w.begin()));
}

TEST_CASE("a takeover waits out the allowance at the write too, not only in the judgement") {
  World w{IdempotencyPolicy{.clock_skew_allowance = 1min}};
  const Attempt owner = w.claim();
  w.clock.advance(17min);
  ManualClock behind(start + 16min + 30s);  // the owner's clock, within the allowance
  IdempotencyService late(w.memory, behind, {.pending_ttl = 0us});
  w.store.reset();
  w.store.before(2, [&] { (void)late.renew(owner); });
  CHECK(is<InProgress>(w.begin()));
}

TEST_CASE("find-then-save in complete and fail: a late owner changes nothing of the successor's") {
  for (const bool successor_is_done : {false, true}) {
    World w;
    const Attempt owner = w.claim();
    w.clock.advance(16min);
    Rival rival(w);
    w.store.reset();
    w.store.before(1, [&] {  // the owner's write is on its way
      const Attempt successor = rival.claim();
      if (successor_is_done) rival.service.complete(successor, result("successor's"));
    });
    CHECK(refusal([&] { w.service().complete(owner, result("late")); }) ==
          CompletionFailure::superseded);
    CHECK(refusal([&] { w.service().fail(owner); }) == CompletionFailure::superseded);
    if (successor_is_done) {
      CHECK(std::get<Replay>(w.begin()).result == result("successor's"));
    } else {
      CHECK(is<InProgress>(w.begin()));
    }
  }
}

TEST_CASE("a watchdog's fail does not reopen what the worker completed, nor the other way round") {
  World w;
  const Attempt attempt = w.claim();
  Rival worker(w);
  w.store.reset();
  w.store.before(1, [&] { worker.service.complete(attempt, result()); });
  CHECK(refusal([&] { w.service().fail(attempt); }) == CompletionFailure::not_open);
  CHECK(is<Replay>(w.begin()));

  World v;
  const Attempt other = v.claim();
  Rival watchdog(v);
  v.store.reset();
  v.store.before(1, [&] { watchdog.service.fail(other); });
  CHECK(refusal([&] { v.service().complete(other, result()); }) == CompletionFailure::not_open);
}

TEST_CASE("complete is repeatable: a lost acknowledgement is not a failed command") {
  World w;
  const Attempt attempt = w.claim();
  w.service().complete(attempt, result());
  CHECK_NOTHROW(w.service().complete(attempt, result()));
}

TEST_CASE("refusing a late completion that nobody superseded makes a second execution certain") {
  World w;
  const Attempt owner = w.claim();
  w.clock.advance(15min + 1us);
  CHECK_NOTHROW(w.service().complete(owner, result()));
  CHECK(is<Replay>(w.begin()));
}

TEST_CASE("a caller whose claim's answer was lost does not wait out its own lease") {
  World w;
  w.store.lose_answer(1);
  CHECK(is<FirstExecution>(w.begin()));
}

TEST_CASE("a lease starts when it is won, also in a takeover") {
  World w;
  w.service().fail(w.claim());
  w.store.reset();
  w.store.before(2, [&] { w.clock.advance(20min); });
  const Attempt attempt = w.claim();
  CHECK(attempt.lease_end > w.clock.now());
}

TEST_CASE("a purge does not delete what has just been completed or renewed") {
  World w;
  const Attempt owner = w.claim();
  w.clock.advance(2h);
  const Timestamp before = w.clock.now() - retention_grace;
  w.service().complete(owner, result());  // between a purge's look and its deletion
  CHECK(w.memory.purge_expired(before, 100) == 0);
  CHECK(is<Replay>(w.begin()));
}

TEST_CASE("a purge leaves a lapsed claim to its slow owner for the grace period") {
  World w;
  const Attempt owner = w.claim();
  w.clock.advance(15min + retention_grace);
  CHECK(w.memory.purge_expired(w.clock.now() - retention_grace, 100) == 0);
  CHECK_NOTHROW(w.service().complete(owner, result()));
}

TEST_CASE("lease and result have TTLs of their own") {
  World w{IdempotencyPolicy{.pending_ttl = 1min, .completed_ttl = 48h}};
  (void)w.claim();
  w.clock.advance(2min);
  w.service().complete(w.claim(), result());  // a crash does not wedge the key for two days
  w.clock.advance(47h);
  CHECK(is<Replay>(w.begin()));
}

TEST_CASE("a waiter or a refused duplicate never releases the owner's claim") {
  World w;
  const Attempt owner = w.claim();
  for (int i = 0; i < 3; ++i) {
    CHECK(is<InProgress>(w.begin()));
    CHECK(is<Conflict>(w.begin(other_fingerprint())));
  }
  CHECK(w.stored().attempt_token == owner.token);
  CHECK_NOTHROW(w.service().complete(owner, result()));
}

TEST_CASE("another fingerprint is a conflict while the first is in progress, not a wait") {
  World w;
  (void)w.claim();
  CHECK(is<Conflict>(w.begin(other_fingerprint())));
}

TEST_CASE("keys are compared by bytes: case, accents, blanks inside and NUL all count") {
  World w;
  const auto first = [&](std::string_view tenant, std::string_view client_key) {
    return is<FirstExecution>(w.service().begin(
        {TenantId{tenant}, OperationRef{"op"}, ClientKey{client_key}}, fingerprint()));
  };
  CHECK(first("acme", "k"));
  CHECK(first("ACME", "k"));
  CHECK(first("acme", "K"));
  CHECK(first("acme", "\xC3\xA9"));   // e acute, one code point
  CHECK(first("acme", "e\xCC\x81"));  // e and a combining acute
  CHECK(first("acme", "a b"));
  CHECK(first("acme", "a  b"));
  CHECK(first("acme", std::string_view("a\0b", 3)));
  CHECK(first("acme", "a"));
  CHECK_FALSE(first(" acme\t", "k"));  // outer blanks don't
}

TEST_CASE("times are kept to the microsecond") {
  World w{IdempotencyPolicy{.pending_ttl = 1us}};
  w.clock.set(start + 999'999us);
  const Attempt attempt = w.claim();
  CHECK(w.stored().created_at == start + 999'999us);
  CHECK(attempt.lease_end == start + 1s);
  w.clock.set(start + 1s);
  CHECK(is<InProgress>(w.begin()));
}

TEST_CASE("a clock that steps back freezes leases, and gives none away") {
  World w;
  (void)w.claim();
  w.clock.set(start - 24h);
  const BeginDecision decision = w.begin();
  REQUIRE(is<InProgress>(decision));
  CHECK(std::get<InProgress>(decision).retry_after == 24h + 15min);
}

TEST_CASE("a clock ahead by no more than the allowance steals no lease") {
  World w;
  (void)w.claim();
  ManualClock fast(start + 15min + 1min);
  IdempotencyService trusting(w.memory, fast);
  IdempotencyService careful(w.memory, fast, {.clock_skew_allowance = 1min});
  CHECK(is<InProgress>(careful.begin(key(), fingerprint())));
  CHECK(is<FirstExecution>(trusting.begin(key(), fingerprint())));
}

TEST_CASE("errors hold no key, token, payload or fingerprint") {
  World w;
  const Attempt attempt = w.claim();
  w.service().complete(attempt, result("the payload"));
  try {
    w.service().fail(attempt);
    FAIL("no exception");
  } catch (const CompletionError& error) {
    const std::string what = error.what();
    for (const std::string_view secret :
         {attempt.token.value(), attempt.key.client_key().value(), attempt.key.tenant().value(),
          std::string_view("the payload"), fingerprint().value()}) {
      CHECK(what.find(secret) == std::string::npos);
    }
  }
}

}  // namespace
}  // namespace nexus::idempotency::test
