// SPDX-License-Identifier: MIT
// The whole life of a command over the store.
#include <chrono>
#include <string>
#include <string_view>
#include <variant>

#include "nexus/idempotency/service.hpp"
#include "nexus/idempotency/sqlite/sqlite_store.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"
#include "support/catch.hpp"
#include "unit/sqlite/samples.hpp"
#include "unit/sqlite/scratch.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;
using namespace std::chrono_literals;
using nexus::idempotency::testing::ManualClock;

TEST_CASE("SQLite: the life of a command over the store") {
  const Scratch scratch;
  const auto store = ready_store(scratch);
  ManualClock clock{base};
  IdempotencyPolicy policy;
  policy.pending_ttl = 10s;
  policy.completed_ttl = 60s;
  IdempotencyService service(*store, clock, policy);
  const IdempotencyKey key = sample_key("life");
  const RequestFingerprint fingerprint("one");
  const RequestFingerprint other("two");
  const auto claim = [&](const RequestFingerprint& fp) {
    const BeginDecision decision = service.begin(key, fp);
    REQUIRE(std::holds_alternative<FirstExecution>(decision));
    return std::get<FirstExecution>(decision).attempt;
  };

  const Attempt first = claim(fingerprint);
  CHECK(std::holds_alternative<InProgress>(service.begin(key, fingerprint)));
  CHECK(std::holds_alternative<Conflict>(service.begin(key, other)));

  clock.advance(8s);
  const Attempt renewed = service.renew(first);
  CHECK(renewed.lease_end == base + 18s);
  clock.advance(8s);
  CHECK(std::holds_alternative<InProgress>(service.begin(key, fingerprint)));

  clock.advance(3s);  // the lease has lapsed: taken over
  const Attempt second = claim(fingerprint);
  CHECK(second.fence > first.fence);
  CHECK_THROWS_AS(service.complete(first, ResultEnvelope("late")), CompletionError);

  service.fail(second, ResultEnvelope("declined"));
  const Attempt third = claim(fingerprint);  // retry after fail is allowed
  service.complete(third, ResultEnvelope(std::string("done\0!", 6)));
  service.complete(third, ResultEnvelope(std::string("done\0!", 6)));  // repeated

  const BeginDecision replay = service.begin(key, fingerprint);
  REQUIRE(std::holds_alternative<Replay>(replay));
  CHECK(std::get<Replay>(replay).result.payload() == std::string_view("done\0!", 6));
  CHECK(std::holds_alternative<Conflict>(service.begin(key, other)));

  clock.advance(61s);
  CHECK(store->purge_expired(clock.now(), 10) == 1);
  (void)claim(other);
}
