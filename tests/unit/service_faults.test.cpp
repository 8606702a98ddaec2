// SPDX-License-Identifier: MIT
// The service over a store that fails: every fault at every store call of every operation.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "nexus/idempotency/service.hpp"
#include "support/catch.hpp"
#include "support/service_world.hpp"

namespace nexus::idempotency::test {
namespace {

enum class Fault { unavailable, exhausted, contended, corrupt, misconfigured, request, answer };

constexpr Fault all_faults[] = {Fault::unavailable, Fault::exhausted,     Fault::contended,
                                Fault::corrupt,     Fault::misconfigured, Fault::request,
                                Fault::answer};

// Plans `fault` for the calls [first, first + times).
void plan(FaultyStore& store, Fault fault, std::size_t first, std::size_t times) {
  for (std::size_t n = first; n < first + times; ++n) {
    switch (fault) {
      case Fault::unavailable:
        store.fail(n, StoreErrc::unavailable);
        break;
      case Fault::exhausted:
        store.fail(n, StoreErrc::exhausted);
        break;
      case Fault::contended:
        store.fail(n, StoreErrc::contended);
        break;
      case Fault::corrupt:
        store.fail(n, StoreErrc::corrupt);
        break;
      case Fault::misconfigured:
        store.fail(n, StoreErrc::misconfigured);
        break;
      case Fault::request:
        store.lose_request(n);
        break;
      case Fault::answer:
        store.lose_answer(n);
        break;
    }
  }
}

bool is_doubt(Fault fault) {
  return fault == Fault::request || fault == Fault::answer;
}

// What a key may look like when an operation begins.
enum class Before { absent, lapsed, failed, completed_lapsed };
constexpr Before all_befores[] = {Before::absent, Before::lapsed, Before::failed,
                                  Before::completed_lapsed};

void prepare(World& w, Before before) {
  if (before == Before::absent) return;
  const Attempt old = w.claim();
  if (before == Before::failed) w.service().fail(old);
  if (before == Before::completed_lapsed) w.service().complete(old, result("old"));
  w.clock.advance(before == Before::failed ? 0us : Duration{25h});
}

TEST_CASE("begin: one fault at any call is an error or the right answer, and then all is well") {
  for (const Before before : all_befores) {
    for (const Fault fault : all_faults) {
      for (std::size_t at = 1; at <= 2; ++at) {
        INFO("before " << static_cast<int>(before) << ", fault " << static_cast<int>(fault)
                       << " at call " << at);
        World w;
        prepare(w, before);
        w.store.reset();
        plan(w.store, fault, at, 1);
        std::optional<Attempt> attempt;
        const std::optional<StoreErrc> error =
            store_error([&] { attempt = std::get<FirstExecution>(w.begin()).attempt; });
        const bool reached = w.store.calls() >= at;
        w.store.reset();
        // A lost answer is asked for again, and the call's own claim is recognised; any other fault
        // reaches the caller as it is.
        CHECK(error.has_value() == (reached && !is_doubt(fault)));
        if (error) {
          CHECK(is<FirstExecution>(w.begin()));  // it changed nothing
        } else {
          REQUIRE(attempt);
          CHECK(is<InProgress>(w.begin()));
          CHECK(w.stored().attempt_token == attempt->token);
          CHECK(w.stored().fence == attempt->fence);
          w.service().complete(*attempt, result());
          CHECK(is<Replay>(w.begin()));
        }
      }
    }
  }
}

TEST_CASE("begin: an answer lost twice is still found; lost three times it is in doubt") {
  for (const Before before : all_befores) {
    for (const Fault fault : {Fault::request, Fault::answer}) {
      const std::size_t claim_or_takeover = before == Before::absent ? 1 : 2;
      INFO("before " << static_cast<int>(before) << ", fault " << static_cast<int>(fault));
      World twice;
      prepare(twice, before);
      twice.store.reset();
      plan(twice.store, fault, claim_or_takeover, 2);
      const Attempt attempt = twice.claim();
      CHECK(twice.stored().attempt_token == attempt.token);
      CHECK(attempt.lease_end == twice.stored().expires_at);

      World thrice;
      prepare(thrice, before);
      thrice.store.reset();
      plan(thrice.store, fault, claim_or_takeover, 3);
      CHECK(store_error([&] { (void)thrice.begin(); }) == StoreErrc::in_doubt);
      CHECK(thrice.store.calls() == claim_or_takeover + 2);
      if (fault == Fault::request) {
        CHECK(is<FirstExecution>(thrice.begin()));
      } else {  // the claim stands, nobody holds its ticket, and it ends with its lease
        CHECK(is<InProgress>(thrice.begin()));
        thrice.clock.advance(15min + 1us);
        CHECK(is<FirstExecution>(thrice.begin()));
      }
    }
  }
}

TEST_CASE("begin: 'nothing happened' is not believed of a call whose first answer was lost") {
  for (const Fault later : {Fault::unavailable, Fault::exhausted, Fault::contended}) {
    World w;
    w.store.lose_answer(1);
    plan(w.store, later, 2, 1);
    CHECK(store_error([&] { (void)w.begin(); }) == StoreErrc::in_doubt);
    CHECK(w.stored().status == RecordStatus::pending);
  }
  World w;
  w.store.lose_answer(1);
  plan(w.store, Fault::corrupt, 2, 1);
  CHECK(store_error([&] { (void)w.begin(); }) == StoreErrc::corrupt);
}

TEST_CASE("begin: a rival's claim behind a lost request is the rival's") {
  World w;
  w.store.lose_request(1);
  std::optional<Attempt> rival;
  w.store.before(2, [&] {
    IdempotencyService other(w.memory, w.clock);
    rival = std::get<FirstExecution>(other.begin(key(), fingerprint())).attempt;
  });
  CHECK(is<InProgress>(w.begin()));
  CHECK(w.stored().attempt_token == rival->token);
}

TEST_CASE("begin: takeovers lost in every round end as contended, with nothing written") {
  World w;
  const Attempt first = w.claim();
  w.service().fail(first);
  // Before each takeover a rival claims the key and fails at once.
  w.store.reset();
  for (std::size_t n = 2; n <= 100; n += 2) {
    w.store.before(n, [&] {
      IdempotencyService other(w.memory, w.clock);
      other.fail(std::get<FirstExecution>(other.begin(key(), fingerprint())).attempt);
    });
  }
  CHECK(store_error([&] { (void)w.begin(); }) == StoreErrc::contended);
  CHECK(w.stored().status == RecordStatus::failed);
}

// The three ways to report, and what each leaves behind.
struct Report {
  const char* name;
  std::function<void(World&, const Attempt&)> call;
  RecordStatus status;
};

const std::vector<Report>& reports() {
  static const std::vector<Report> all{
      {"complete", [](World& w, const Attempt& a) { w.service().complete(a, result()); },
       RecordStatus::completed},
      {"fail", [](World& w, const Attempt& a) { w.service().fail(a, result()); },
       RecordStatus::failed},
      {"renew", [](World& w, const Attempt& a) { (void)w.service().renew(a); },
       RecordStatus::pending},
  };
  return all;
}

TEST_CASE("complete, fail, renew: one fault is an error that may be repeated, or no fault at all") {
  for (const Report& report : reports()) {
    for (const Fault fault : all_faults) {
      for (std::size_t at = 1; at <= 3; ++at) {
        INFO(report.name << ", fault " << static_cast<int>(fault) << " at call " << at);
        World w;
        const Attempt attempt = w.claim();
        w.clock.advance(1min);
        w.store.reset();
        plan(w.store, fault, at, 1);
        const std::optional<StoreErrc> error = store_error([&] { report.call(w, attempt); });
        CHECK(error.has_value() == (at == 1 && !is_doubt(fault)));
        if (error) {
          CHECK(w.stored().status == RecordStatus::pending);  // the claim is never released
          CHECK(is<InProgress>(w.begin()));
          report.call(w, attempt);
        }
        CHECK(w.stored().status == report.status);
        if (report.status == RecordStatus::pending) {
          CHECK(w.stored().expires_at == start + 16min);
        } else {
          CHECK(w.stored().result == result());
        }
      }
    }
  }
}

TEST_CASE(
    "complete, fail: an answer lost twice is in doubt, and the caller's own repeat settles it") {
  for (const Report& report : reports()) {
    for (const Fault fault : {Fault::request, Fault::answer}) {
      INFO(report.name << ", fault " << static_cast<int>(fault));
      World w;
      const Attempt attempt = w.claim();
      w.store.reset();
      // The repeat of an outcome that did land is refused by the guard, and the reason is read: so
      // it is three calls until that read is lost as well.
      plan(w.store, fault, 1, fault == Fault::request ? 2 : 3);
      CHECK(store_error([&] { report.call(w, attempt); }) == StoreErrc::in_doubt);
      report.call(w, attempt);
      CHECK(w.stored().status == report.status);
    }
  }
}

TEST_CASE("complete: an outcome that landed though its answer was lost is found by the repeat") {
  World w;
  const Attempt attempt = w.claim();
  w.store.reset();
  w.store.lose_answer(1);
  w.service().complete(attempt, result());
  CHECK(w.store.history() == std::vector{StoreCall::save_if, StoreCall::save_if, StoreCall::find});
  CHECK(w.stored().result == result());
}

TEST_CASE("complete: a fault in reading the reason is a store error, in doubt if a write was") {
  World w;
  const Attempt attempt = w.claim();
  w.service().fail(attempt);
  w.store.reset();
  w.store.fail(2, StoreErrc::unavailable);
  CHECK(store_error([&] { w.service().complete(attempt, result()); }) == StoreErrc::unavailable);

  w.store.reset();
  w.store.lose_request(1);
  w.store.fail(3, StoreErrc::unavailable);
  CHECK(store_error([&] { w.service().complete(attempt, result()); }) == StoreErrc::in_doubt);
}

// A query port that answers with what a test says, as a replica that lags would.
struct Replica final : IdempotencyQuery {
  std::optional<IdempotencyRecord> answer;
  std::optional<IdempotencyRecord> find(const IdempotencyKey&) override { return answer; }
};

TEST_CASE("a stale read never becomes a completion error, and never a success that wasn't") {
  World w;
  Replica replica;
  IdempotencyService service(replica, w.store, w.clock);
  const Attempt first = w.claim();
  const IdempotencyRecord old_pending = w.stored();
  w.service().fail(first);
  const IdempotencyRecord old_failed = w.stored();
  const Attempt second = w.claim();
  w.service().complete(second, result());
  const IdempotencyRecord completed = w.stored();

  // The replica still shows the attempt before ours.
  for (const IdempotencyRecord& stale : {old_pending, old_failed}) {
    replica.answer = stale;
    CHECK(store_error([&] { service.complete(second, result("other")); }) == StoreErrc::in_doubt);
  }
  // It still shows our claim as open.
  replica.answer = old_pending;
  CHECK(store_error([&] { service.complete(first, result()); }) == StoreErrc::in_doubt);
  // It shows nothing at all.
  replica.answer = std::nullopt;
  CHECK(refusal([&] { service.complete(second, result("other")); }) == CompletionFailure::missing);
  CHECK(w.stored() == completed);

  // It shows nothing, and the answer that was lost may have been "done".
  World landed;
  IdempotencyService doubting(replica, landed.store, landed.clock);
  const Attempt attempt = landed.claim();
  landed.store.reset();
  landed.store.lose_answer(1);
  CHECK(store_error([&] { doubting.complete(attempt, result()); }) == StoreErrc::in_doubt);
  CHECK(is<Replay>(landed.begin()));

  // It lags while the primary takes the write: nothing is read, nothing is wrong.
  World fresh;
  IdempotencyService over_replica(replica, fresh.store, fresh.clock);
  over_replica.complete(fresh.claim(), result());
  CHECK(is<Replay>(fresh.begin()));
}

TEST_CASE("another key's record is corrupt, and nothing is written on the strength of it") {
  struct Confused final : IdempotencyStore {
    InMemoryIdempotencyStore inner;
    std::size_t writes = 0;
    std::optional<IdempotencyRecord> answer;
    std::optional<IdempotencyRecord> find(const IdempotencyKey&) override { return answer; }
    ClaimPendingResult claim_pending(const IdempotencyRecord&) override { return {answer}; }
    bool save_if(const WriteGuard&, const IdempotencyRecord&) override {
      ++writes;
      return false;
    }
    std::size_t purge_expired(Timestamp, std::size_t) override { return 0; }
  } store;
  World w;
  const Attempt attempt = w.claim();
  IdempotencyService service(store, w.clock);
  for (const RecordStatus status : {RecordStatus::pending, RecordStatus::completed,
                                    RecordStatus::failed, RecordStatus::expired}) {
    store.answer = w.stored();
    store.answer->key = {TenantId{"TENANT-1"}, OperationRef{"payments.charge"}, ClientKey{"key-1"}};
    store.answer->status = status;
    store.answer->expires_at = start - 1h;
    CHECK(store_error([&] { (void)service.begin(key(), fingerprint()); }) == StoreErrc::corrupt);
  }
  CHECK(store.writes == 0);
  CHECK(store_error([&] { service.complete(attempt, result()); }) == StoreErrc::corrupt);

  store.answer = w.stored();
  store.answer->status = RecordStatus::completed;
  store.answer->result = std::nullopt;
  CHECK(store_error([&] { (void)service.begin(key(), fingerprint()); }) == StoreErrc::corrupt);
}

TEST_CASE("no dead lease is handed out: a claim that took longer than its lease is claimed again") {
  for (const Before before : all_befores) {
    INFO("before " << static_cast<int>(before));
    World w;
    prepare(w, before);
    w.store.reset();
    const std::size_t winning = before == Before::absent ? 1 : 2;
    w.store.after(winning, [&] { w.clock.advance(16min); });
    const Timestamp before_begin = w.clock.now();
    const Attempt attempt = w.claim();
    CHECK(attempt.lease_end == before_begin + 16min + 15min);
    CHECK(attempt.started_at == before_begin + 16min);
    CHECK(w.stored().expires_at == attempt.lease_end);
    CHECK(w.stored().fence == attempt.fence);
  }
}

TEST_CASE("a claim that a rival took while its answer was on the way is the rival's") {
  World w;
  IdempotencyService rival(w.memory, w.clock);
  std::optional<Attempt> rivals;
  w.store.after(1, [&] {
    w.clock.advance(16min);
    rivals = std::get<FirstExecution>(rival.begin(key(), fingerprint())).attempt;
  });
  CHECK(is<InProgress>(w.begin()));
  CHECK(w.stored().attempt_token == rivals->token);
}

TEST_CASE("leases too short for the store are refused as contended, not handed out") {
  World w{IdempotencyPolicy{.pending_ttl = 1s}};
  for (std::size_t n = 1; n <= 200; ++n) w.store.after(n, [&] { w.clock.advance(2s); });
  CHECK(store_error([&] { (void)w.begin(); }) == StoreErrc::contended);
}

TEST_CASE("a renewal slower than the lease is repeated once, then it is over") {
  World once;
  const Attempt attempt = once.claim();
  once.store.reset();
  once.store.after(1, [&] { once.clock.advance(16min); });
  CHECK(once.service().renew(attempt).lease_end == start + 16min + 15min);

  World twice;
  const Attempt slow = twice.claim();
  twice.store.reset();
  for (std::size_t n = 1; n <= 2; ++n) twice.store.after(n, [&] { twice.clock.advance(16min); });
  CHECK(refusal([&] { (void)twice.service().renew(slow); }) == CompletionFailure::lease_expired);
}

TEST_CASE("a renewal is judged by the owner's own clock, without the allowance that others wait") {
  World w{IdempotencyPolicy{.clock_skew_allowance = 1min}};
  const Attempt attempt = w.claim();
  w.store.reset();
  w.store.after(1, [&] { w.clock.advance(15min + 10s); });  // over, though nobody may take it yet
  CHECK(w.service().renew(attempt).lease_end == start + 15min + 10s + 15min);
}

TEST_CASE("a clock that fails is a store error, before and after a claim") {
  struct Clock final : IdempotencyClock {
    int until_failure = 0;
    Timestamp now() override {
      if (until_failure-- == 0) throw StoreError(StoreErrc::unavailable, "no time to be had");
      return start;
    }
  } clock;
  World w;
  IdempotencyService service(w.store, clock);
  CHECK(store_error([&] { (void)service.begin(key(), fingerprint()); }) == StoreErrc::unavailable);
  CHECK_FALSE(w.memory.find(key()));
}

}  // namespace
}  // namespace nexus::idempotency::test
