// SPDX-License-Identifier: MIT
#include "nexus/idempotency/execute.hpp"

#include <concepts>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "support/catch.hpp"
#include "support/service_world.hpp"

namespace nexus::idempotency::test {
namespace {

static_assert(std::is_nothrow_copy_constructible_v<OutcomeNotRecorded>);
static_assert(std::is_base_of_v<IdempotencyError, OutcomeNotRecorded>);

template <class Work>
ExecuteOutcome run(World& w, Work&& work) {
  return execute(w.service(), key(), fingerprint(), std::forward<Work>(work));
}

TEST_CASE("the work runs once, and everybody else gets its bytes") {
  World w;
  int runs = 0;
  const auto work = [&](const Attempt& attempt) {
    ++runs;
    CHECK(w.stored().attempt_token == attempt.token);
    return std::string("charged");
  };
  const ExecuteOutcome first = run(w, work);
  REQUIRE(std::holds_alternative<Executed>(first));
  CHECK(std::get<Executed>(first).result == "charged");
  CHECK(std::get<Executed>(first).stored);
  const ExecuteOutcome second = run(w, work);
  REQUIRE(std::holds_alternative<Replay>(second));
  CHECK(std::get<Replay>(second).result.payload() == "charged");
  CHECK(runs == 1);
}

TEST_CASE("work may return any bytes, or nothing, and may be move-only") {
  const auto replayed = [](auto work) {
    World w;
    CHECK(std::holds_alternative<Executed>(run(w, std::move(work))));
    return std::string(std::get<Replay>(run(w, [](const Attempt&) {})).result.payload());
  };
  CHECK(replayed([](const Attempt&) { return "literal"; }) == "literal");
  CHECK(replayed([](const Attempt&) { return std::string_view("view"); }) == "view");
  const std::string kept = "reference";
  CHECK(replayed([&](const Attempt&) -> const std::string& { return kept; }) == kept);
  CHECK(replayed([owned = std::make_unique<int>(7)](const Attempt&) {
          return std::to_string(*owned);
        }) == "7");
}

TEST_CASE("a result that can't be turned into bytes is recorded as omitted, never as a failure") {
  struct Unprintable {
    operator std::string() const { throw Unprintable(); }
  };
  World w;
  try {
    (void)run(w, [](const Attempt&) { return Unprintable(); });
    FAIL("no exception");
  } catch (const OutcomeNotRecorded& error) {
    CHECK(error.result().empty());
    CHECK_THROWS_AS(std::rethrow_exception(error.cause()), Unprintable);
  }
  CHECK(std::get<Replay>(run(w, [](const Attempt&) {})).result.is_omitted());
}

TEST_CASE("void and empty results are replayed for what they are: done, no bytes") {
  World w;
  const ExecuteOutcome nothing = run(w, [](const Attempt&) {});
  CHECK(std::get<Executed>(nothing).result.empty());
  CHECK(std::get<Executed>(nothing).stored);
  CHECK(std::get<Replay>(run(w, [](const Attempt&) {})).result.is_omitted());

  World empty;
  CHECK(std::get<Executed>(run(empty, [](const Attempt&) { return std::string(); })).stored);
  CHECK(std::get<Replay>(run(empty, [](const Attempt&) {})).result.payload().empty());
}

TEST_CASE("a result over the limit is recorded as omitted, and the caller still gets it") {
  for (const std::size_t size : {ResultEnvelope::max_bytes, ResultEnvelope::max_bytes + 1}) {
    World w;
    const bool fits = size <= ResultEnvelope::max_bytes;
    const ExecuteOutcome outcome = run(w, [&](const Attempt&) { return std::string(size, 'x'); });
    CHECK(std::get<Executed>(outcome).result == std::string(size, 'x'));
    CHECK(std::get<Executed>(outcome).stored == fits);
    CHECK(std::get<Replay>(run(w, [](const Attempt&) {})).result.is_omitted() == !fits);
  }
}

TEST_CASE("the other answers of begin come through, and the work does not run") {
  const auto must_not_run = [](const Attempt&) { FAIL("the work ran"); };
  World w;
  const Attempt attempt = w.claim();
  CHECK(std::holds_alternative<InProgress>(run(w, must_not_run)));
  CHECK(std::holds_alternative<Conflict>(
      execute(w.service(), key(), other_fingerprint(), must_not_run)));
  World failed{IdempotencyPolicy{.allow_retry_after_fail = false}};
  failed.service().fail(failed.claim(), result("no"));
  CHECK(std::get<RetryNotAllowed>(run(failed, must_not_run)).failure == result("no"));
}

struct Declined : std::runtime_error {
  Declined() : std::runtime_error("declined") {}
};

TEST_CASE("an exception of the work fails the attempt and comes through as it was") {
  World w;
  CHECK_THROWS_AS(run(w, [](const Attempt&) { throw Declined(); }), Declined);
  CHECK(w.stored().status == RecordStatus::failed);
  CHECK_THROWS_AS(run(w, [](const Attempt&) -> std::string { throw 42; }), int);
  CHECK(std::holds_alternative<Executed>(run(w, [](const Attempt&) {})));
}

TEST_CASE("an exception of the work survives any fault while the attempt is marked") {
  for (const StoreErrc code : {StoreErrc::unavailable, StoreErrc::corrupt, StoreErrc::in_doubt}) {
    World w;
    for (std::size_t n = 2; n < 10; ++n) w.store.fail(n, code);
    CHECK_THROWS_AS(run(w, [](const Attempt&) { throw Declined(); }), Declined);
    CHECK(w.stored().status == RecordStatus::pending);  // the claim stands
  }
  struct Odd final : IdempotencyServiceInterface {
    World& w;
    explicit Odd(World& world) : w(world) {}
    BeginDecision begin(const IdempotencyKey& k, const RequestFingerprint& f) override {
      return w.service().begin(k, f);
    }
    void complete(const Attempt&, const ResultEnvelope&) override { throw 1; }
    void fail(const Attempt&, std::optional<ResultEnvelope>) override { throw 2; }
    Attempt renew(const Attempt& attempt) override { return attempt; }
  };
  World w;
  Odd odd(w);
  CHECK_THROWS_AS(execute(odd, key(), fingerprint(), [](const Attempt&) { throw Declined(); }),
                  Declined);
}

TEST_CASE("an outcome that could not be recorded is told with the result, and is never a failure") {
  World w;
  w.store.fail(2, StoreErrc::unavailable);
  try {
    (void)run(w, [](const Attempt&) { return "charged"; });
    FAIL("no exception");
  } catch (const OutcomeNotRecorded& error) {
    CHECK(error.result() == "charged");
    CHECK(std::string(error.what()).find("charged") == std::string::npos);
    CHECK_THROWS_AS(std::rethrow_exception(error.cause()), StoreError);
  }
  CHECK(w.stored().status == RecordStatus::pending);
  CHECK(std::holds_alternative<InProgress>(run(w, [](const Attempt&) {})));
}

TEST_CASE("an outcome that a successor overtook is told as superseded") {
  World w;
  try {
    (void)run(w, [&](const Attempt&) {
      w.clock.advance(16min);
      w.service().complete(w.claim(), result("successor's"));
      return "mine";
    });
    FAIL("no exception");
  } catch (const OutcomeNotRecorded& error) {
    CHECK(error.result() == "mine");
    CHECK(refusal([&] { std::rethrow_exception(error.cause()); }) == CompletionFailure::superseded);
  }
  CHECK(std::get<Replay>(run(w, [](const Attempt&) {})).result == result("successor's"));
}

TEST_CASE("the work may report by itself; the same outcome again is no error") {
  World w;
  const ExecuteOutcome outcome = run(w, [&](const Attempt& attempt) {
    w.service().complete(attempt, result("same"));
    return "same";
  });
  CHECK(std::holds_alternative<Executed>(outcome));
}

}  // namespace
}  // namespace nexus::idempotency::test
