// SPDX-License-Identifier: MIT
// The lifecycle, call by call. Faults are in service_faults.test.cpp, what goes wrong in other
// packages in wrong_ways.test.cpp.
#include "nexus/idempotency/service.hpp"

#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <type_traits>

#include "support/catch.hpp"
#include "support/service_world.hpp"

namespace nexus::idempotency::test {
namespace {

static_assert(std::has_virtual_destructor_v<IdempotencyServiceInterface>);
static_assert(!std::is_copy_constructible_v<IdempotencyService>);

TEST_CASE("a first execution claims with one store call and says who holds the key") {
  World w;
  const Attempt attempt = w.claim();
  CHECK(w.store.history() == std::vector{StoreCall::claim_pending});
  CHECK(attempt.key == key());
  CHECK(attempt.fingerprint == fingerprint());
  CHECK(attempt.started_at == start);
  CHECK(attempt.lease_end == start + 15min);
  CHECK(attempt.fence == static_cast<std::uint64_t>(start.time_since_epoch().count()));

  const IdempotencyRecord record = w.stored();
  CHECK(record.status == RecordStatus::pending);
  CHECK(record.attempt_token == attempt.token);
  CHECK(record.fence == attempt.fence);
  CHECK(record.created_at == start);
  CHECK(record.last_transition_at == start);
  CHECK(record.expires_at == start + 15min);
  CHECK_FALSE(record.result);
}

TEST_CASE("a key in braces will do") {
  World w;
  CHECK(is<FirstExecution>(w.service().begin({TenantId{"t"}, OperationRef{"o"}, ClientKey{"k"}},
                                             RequestFingerprint{"f"})));
}

TEST_CASE("a duplicate waits, and is told how long") {
  World w;
  (void)w.claim();
  w.clock.advance(5min);
  w.store.reset();
  const BeginDecision decision = w.begin();
  REQUIRE(is<InProgress>(decision));
  CHECK(std::get<InProgress>(decision).retry_after == 10min);
  CHECK(w.store.history() == std::vector{StoreCall::claim_pending});
  w.clock.set(start + 15min);
  CHECK(std::get<InProgress>(w.begin()).retry_after == 0us);
}

TEST_CASE("a duplicate that read the clock before the owner did is told of no more than a lease") {
  World w;
  IdempotencyService owner(w.memory, w.clock, w.policy);
  w.store.before(1, [&] {
    w.clock.advance(3ms);
    REQUIRE(is<FirstExecution>(owner.begin(key(), fingerprint())));
  });
  w.store.after(1, [&] { w.clock.advance(1ms); });
  const BeginDecision decision = w.begin();
  REQUIRE(is<InProgress>(decision));
  CHECK(std::get<InProgress>(decision).retry_after == 15min - 1ms);
}

TEST_CASE("retry_after counts the skew allowance in, is never negative, and none without a lease") {
  World skewed{IdempotencyPolicy{.clock_skew_allowance = 30s}};
  (void)skewed.claim();
  CHECK(std::get<InProgress>(skewed.begin()).retry_after == 15min + 30s);
  skewed.clock.set(start + 15min + 30s);
  CHECK(std::get<InProgress>(skewed.begin()).retry_after == 0us);
  skewed.clock.set(start + 15min + 30s + 1us);
  CHECK(is<FirstExecution>(skewed.begin()));

  World eternal{IdempotencyPolicy{.pending_ttl = std::nullopt}};
  (void)eternal.claim();
  eternal.clock.set(Timestamp::max());
  CHECK(std::get<InProgress>(eternal.begin()).retry_after == std::nullopt);

  World saturated{IdempotencyPolicy{.pending_ttl = Duration::max()}};
  CHECK(saturated.claim().lease_end == Timestamp::max());
  saturated.clock.set(Timestamp::min());
  CHECK(std::get<InProgress>(saturated.begin()).retry_after == Duration::max());
}

TEST_CASE("a completed command is replayed with one store call, byte for byte") {
  World w;
  const Attempt attempt = w.claim();
  std::string bytes = "all bytes:";
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  w.clock.advance(3s);
  w.store.reset();
  w.service().complete(attempt, ResultEnvelope{bytes});
  CHECK(w.store.history() == std::vector{StoreCall::save_if});
  w.clock.advance(1s);
  w.store.reset();
  const BeginDecision decision = w.begin();
  REQUIRE(is<Replay>(decision));
  CHECK(std::get<Replay>(decision).result.payload() == bytes);
  CHECK(std::get<Replay>(decision).completed_at == start + 3s);
  CHECK(w.store.history() == std::vector{StoreCall::claim_pending});

  const IdempotencyRecord record = w.stored();
  CHECK(record.status == RecordStatus::completed);
  CHECK(record.created_at == start);
  CHECK(record.last_transition_at == start + 3s);
  CHECK(record.expires_at == start + 3s + 24h);
}

TEST_CASE("a replay hands out the stored bytes, not a copy") {
  World w;
  const ResultEnvelope envelope = result();
  w.service().complete(w.claim(), envelope);
  const BeginDecision decision = w.begin();
  CHECK(std::get<Replay>(decision).result.payload().data() == envelope.payload().data());
}

TEST_CASE("an omitted result is replayed as omitted") {
  World w;
  w.service().complete(w.claim(), ResultEnvelope::omitted());
  CHECK(std::get<Replay>(w.begin()).result.is_omitted());
}

TEST_CASE("a failed command may be retried by default, under the same fingerprint") {
  World w;
  const Attempt first = w.claim();
  w.service().fail(first, result("declined"));
  CHECK(w.stored().result == result("declined"));
  CHECK(is<Conflict>(w.begin(other_fingerprint())));
  w.store.reset();
  const Attempt second = w.claim();
  CHECK(w.store.history() == std::vector{StoreCall::claim_pending, StoreCall::save_if});
  CHECK(second.token != first.token);
  CHECK(second.fence > first.fence);
  CHECK_FALSE(w.stored().result);
}

TEST_CASE("a failed command that may not be retried answers with its failure, until it lapses") {
  World w{IdempotencyPolicy{.allow_retry_after_fail = false, .failed_ttl = 1h}};
  w.service().fail(w.claim(), result("declined"));
  const BeginDecision refused = w.begin();
  REQUIRE(is<RetryNotAllowed>(refused));
  CHECK(std::get<RetryNotAllowed>(refused).failure == result("declined"));
  CHECK(is<Conflict>(w.begin(other_fingerprint())));
  w.clock.set(start + 1h);
  CHECK(is<RetryNotAllowed>(w.begin()));
  w.clock.advance(1us);
  CHECK(is<FirstExecution>(w.begin()));

  World forever{IdempotencyPolicy{.allow_retry_after_fail = false}};
  forever.service().fail(forever.claim());
  forever.clock.set(Timestamp::max());
  REQUIRE(is<RetryNotAllowed>(forever.begin()));
  CHECK_FALSE(std::get<RetryNotAllowed>(forever.begin()).failure);
}

TEST_CASE("an omitted failure is not no failure") {
  World w{IdempotencyPolicy{.allow_retry_after_fail = false}};
  w.service().fail(w.claim(), ResultEnvelope::omitted());
  const BeginDecision decision = w.begin();
  REQUIRE(std::get<RetryNotAllowed>(decision).failure);
  CHECK(std::get<RetryNotAllowed>(decision).failure->is_omitted());
}

TEST_CASE("another fingerprint conflicts in every status, until the record lapses") {
  World pending;
  (void)pending.claim();
  CHECK(is<Conflict>(pending.begin(other_fingerprint())));
  pending.clock.advance(15min + 1us);
  CHECK(is<FirstExecution>(pending.begin(other_fingerprint())));
  CHECK(is<Conflict>(pending.begin()));

  World completed;
  completed.service().complete(completed.claim(), result());
  CHECK(is<Conflict>(completed.begin(other_fingerprint())));
  completed.clock.advance(24h + 1us);
  CHECK(is<FirstExecution>(completed.begin(other_fingerprint())));
}

TEST_CASE("an operator's expired record frees the key") {
  World w;
  const Attempt attempt = w.claim();
  w.service().complete(attempt, result());
  IdempotencyRecord forgotten = w.stored();
  forgotten.status = RecordStatus::expired;
  REQUIRE(w.memory.save_if({attempt.token, fingerprint(), RecordStatus::completed}, forgotten));
  CHECK(w.claim(other_fingerprint()).fence > attempt.fence);
}

TEST_CASE("the fence grows with every execution, whatever the clock does, across a purge too") {
  World w;
  Attempt last = w.claim();
  for (const Duration step : {0us, 1us, -1'000'000us, 5'000'000us, -10'000'000us}) {
    w.service().fail(last);
    w.clock.advance(step);
    const Attempt next = w.claim();
    CHECK(next.fence > last.fence);
    last = next;
  }
  w.service().fail(last);
  w.clock.set(start + 1h);
  IdempotencyRecord forgotten = w.stored();
  forgotten.expires_at = start;
  REQUIRE(w.memory.save_if({last.token, fingerprint(), RecordStatus::failed}, forgotten));
  REQUIRE(w.memory.purge_expired(start + 1s, 10) == 1);
  CHECK(w.claim().fence > last.fence);
}

TEST_CASE("a fence starts at 1 before 1970, and a stored one without room above is an error") {
  World w;
  w.clock.set(Timestamp{-5s});
  const Attempt attempt = w.claim();
  CHECK(attempt.fence == 1);
  w.service().fail(attempt);
  IdempotencyRecord full = w.stored();
  full.fence = std::numeric_limits<std::int64_t>::max() - 1;
  REQUIRE(w.memory.save_if({attempt.token, fingerprint(), RecordStatus::failed}, full));
  const Attempt last = w.claim();
  CHECK(last.fence == std::numeric_limits<std::int64_t>::max());
  w.service().fail(last);
  CHECK(store_error([&] { (void)w.begin(); }) == StoreErrc::corrupt);
  CHECK(w.stored().status == RecordStatus::failed);
}

TEST_CASE("complete and fail may be repeated with the same outcome, and not with another") {
  World w;
  const Attempt attempt = w.claim();
  w.service().complete(attempt, result());
  w.clock.advance(1s);
  const IdempotencyRecord before = w.stored();
  w.service().complete(attempt, result());
  CHECK(w.stored() == before);  // the repeat wrote nothing
  CHECK(refusal([&] { w.service().complete(attempt, result("other")); }) ==
        CompletionFailure::not_open);
  CHECK(refusal([&] { w.service().complete(attempt, ResultEnvelope::omitted()); }) ==
        CompletionFailure::not_open);
  CHECK(refusal([&] { w.service().fail(attempt); }) == CompletionFailure::not_open);
  CHECK(refusal([&] { w.service().fail(attempt, result()); }) == CompletionFailure::not_open);
  CHECK(refusal([&] { (void)w.service().renew(attempt); }) == CompletionFailure::not_open);
  CHECK(w.stored() == before);

  World failed;
  const Attempt other = failed.claim();
  failed.service().fail(other);
  failed.service().fail(other);
  CHECK(refusal([&] { failed.service().fail(other, ResultEnvelope::omitted()); }) ==
        CompletionFailure::not_open);
  CHECK(refusal([&] { failed.service().complete(other, result()); }) ==
        CompletionFailure::not_open);
}

TEST_CASE("why a completion is refused") {
  World w;
  const Attempt attempt = w.claim();

  SECTION("missing: never begun here, or purged") {
    Attempt elsewhere = attempt;
    elsewhere.key = key("never begun");
    CHECK(refusal([&] { w.service().complete(elsewhere, result()); }) ==
          CompletionFailure::missing);
    REQUIRE(w.memory.purge_expired(start + 16min, 1) == 1);
    CHECK(refusal([&] { w.service().fail(attempt); }) == CompletionFailure::missing);
    CHECK_FALSE(w.memory.find(key()));  // never an upsert
  }
  SECTION("superseded: whatever became of the successor, and whatever its fingerprint") {
    w.clock.advance(15min + 1us);
    const Attempt successor = w.claim(other_fingerprint());
    const auto refused = [&] {
      const IdempotencyRecord before = w.stored();
      CHECK(refusal([&] { w.service().complete(attempt, result()); }) ==
            CompletionFailure::superseded);
      CHECK(refusal([&] { w.service().fail(attempt); }) == CompletionFailure::superseded);
      CHECK(refusal([&] { (void)w.service().renew(attempt); }) == CompletionFailure::superseded);
      CHECK(w.stored() == before);
    };
    refused();
    w.service().complete(successor, result("successor's"));
    refused();
  }
  SECTION("fingerprint_mismatch: an attempt that was tampered with") {
    Attempt tampered = attempt;
    tampered.fingerprint = other_fingerprint();
    CHECK(refusal([&] { w.service().complete(tampered, result()); }) ==
          CompletionFailure::fingerprint_mismatch);
    w.service().complete(attempt, result());
    // By its token it is the attempt that is recorded.
    w.service().complete(tampered, result());
    CHECK(refusal([&] { w.service().complete(tampered, result("other")); }) ==
          CompletionFailure::not_open);
  }
  SECTION("not_open: an operator has forgotten the key") {
    IdempotencyRecord forgotten = w.stored();
    forgotten.status = RecordStatus::expired;
    REQUIRE(w.memory.save_if({attempt.token, fingerprint(), RecordStatus::pending}, forgotten));
    CHECK(refusal([&] { w.service().complete(attempt, result()); }) == CompletionFailure::not_open);
  }
}

TEST_CASE("late completion: accepted unless somebody took over, refused by the other policy") {
  World accepting;
  const Attempt late = accepting.claim();
  accepting.clock.advance(24h);
  accepting.service().complete(late, result());
  CHECK(is<Replay>(accepting.begin()));

  World rejecting{IdempotencyPolicy{.late_completion = LateCompletion::reject}};
  const Attempt attempt = rejecting.claim();
  rejecting.clock.set(start + 15min + 1us);
  CHECK(refusal([&] { rejecting.service().complete(attempt, result()); }) ==
        CompletionFailure::lease_expired);
  CHECK(refusal([&] { rejecting.service().fail(attempt); }) == CompletionFailure::lease_expired);
  CHECK(refusal([&] { (void)rejecting.service().renew(attempt); }) ==
        CompletionFailure::lease_expired);
  CHECK(rejecting.stored().status == RecordStatus::pending);
  rejecting.clock.set(start + 15min);  // at the end itself it is still his
  rejecting.service().complete(attempt, result());
  rejecting.clock.advance(1h);
  rejecting.service().complete(attempt, result());  // a repeat is not late
}

TEST_CASE("the skew allowance counts for the owner too: lapsed means the same to everyone") {
  World w{
      IdempotencyPolicy{.late_completion = LateCompletion::reject, .clock_skew_allowance = 30s}};
  const Attempt attempt = w.claim();
  w.clock.set(start + 15min + 30s);  // nobody may take it over yet
  CHECK(is<InProgress>(w.begin()));
  CHECK(w.service().renew(attempt).lease_end == start + 30min + 30s);
  w.clock.set(start + 31min + 1us);
  CHECK(refusal([&] { (void)w.service().renew(attempt); }) == CompletionFailure::lease_expired);
  CHECK(refusal([&] { w.service().complete(attempt, result()); }) ==
        CompletionFailure::lease_expired);
  w.clock.set(start + 31min);
  w.service().complete(attempt, result());
  CHECK(w.stored().last_transition_at == start + 31min);
}

TEST_CASE("renew extends the lease, keeps the rest, and never shortens") {
  World w;
  const Attempt attempt = w.claim();
  w.clock.advance(10min);
  w.store.reset();
  const Attempt renewed = w.service().renew(attempt);
  CHECK(w.store.history() == std::vector{StoreCall::save_if});
  CHECK(renewed.lease_end == start + 25min);
  Attempt expected = attempt;
  expected.lease_end = renewed.lease_end;
  CHECK(renewed == expected);
  CHECK(w.stored().expires_at == start + 25min);
  CHECK(w.stored().created_at == start);
  CHECK(w.stored().fence == attempt.fence);

  IdempotencyService brief(w.store, w.clock, {.pending_ttl = 1min});
  CHECK(brief.renew(renewed).lease_end == start + 25min);
  CHECK(w.stored().expires_at == start + 25min);
  IdempotencyService endless(w.store, w.clock, {.pending_ttl = std::nullopt});
  CHECK(endless.renew(renewed).lease_end == std::nullopt);
  CHECK(w.service().renew(endless.renew(renewed)).lease_end == std::nullopt);
  CHECK_FALSE(w.stored().expires_at);
  w.service().complete(attempt, result());  // the old ticket stays good for reporting
}

TEST_CASE("a lapsed lease that nobody took is renewed; one that somebody took is not") {
  World w;
  const Attempt attempt = w.claim();
  w.clock.advance(20min);
  CHECK(w.service().renew(attempt).lease_end == start + 35min);
  CHECK(is<InProgress>(w.begin()));
}

TEST_CASE("expiry is judged by stored deadlines, not by the reader's policy") {
  World w{IdempotencyPolicy{.pending_ttl = 7 * 24h}};
  (void)w.claim();
  IdempotencyService hasty(w.store, w.clock, {.pending_ttl = 1s});
  w.clock.advance(24h);
  CHECK(is<InProgress>(hasty.begin(key(), fingerprint())));
}

TEST_CASE("a zero TTL is no time at all, not for ever") {
  World w{IdempotencyPolicy{.completed_ttl = 0us, .failed_ttl = 0us}};
  w.service().complete(w.claim(), result());
  CHECK(w.stored().expires_at == start);
  CHECK(is<Replay>(w.begin()));
  w.clock.advance(1us);
  CHECK(is<FirstExecution>(w.begin()));

  World lease{IdempotencyPolicy{.pending_ttl = 0us}};
  CHECK(lease.claim().lease_end == start);
  lease.clock.advance(1us);
  CHECK(is<FirstExecution>(lease.begin()));
}

TEST_CASE("a negative duration is refused by the constructor") {
  World w;
  const auto refused = [&](IdempotencyPolicy policy) {
    CHECK_THROWS_AS(IdempotencyService(w.store, w.clock, policy), InvalidValueError);
  };
  refused({.pending_ttl = -1us});
  refused({.completed_ttl = -1us});
  refused({.failed_ttl = -1us});
  refused({.clock_skew_allowance = -1us});
}

TEST_CASE("tokens are all different, and duplicates never see one") {
  World w;
  std::set<std::string> tokens;
  for (int i = 0; i < 1000; ++i) {
    const BeginDecision decision = w.service().begin(key(std::to_string(i)), fingerprint());
    tokens.insert(std::string(std::get<FirstExecution>(decision).attempt.token.value()));
    CHECK(is<InProgress>(w.service().begin(key(std::to_string(i)), fingerprint())));
  }
  CHECK(tokens.size() == 1000);
}

TEST_CASE("query and persist may be two ports, and begin never reads by the first") {
  struct NoQuery final : IdempotencyQuery {
    std::optional<IdempotencyRecord> find(const IdempotencyKey&) override {
      throw StoreError(StoreErrc::unavailable, "the replica is down");
    }
  } query;
  World w;
  IdempotencyService service(query, w.store, w.clock);
  const BeginDecision decision = service.begin(key(), fingerprint());
  service.complete(std::get<FirstExecution>(decision).attempt, result());
  CHECK(is<Replay>(service.begin(key(), fingerprint())));
  CHECK(store_error([&] { service.fail(std::get<FirstExecution>(decision).attempt); }) ==
        StoreErrc::unavailable);
}

}  // namespace
}  // namespace nexus::idempotency::test
