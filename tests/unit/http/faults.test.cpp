// SPDX-License-Identifier: MIT
// The store, the handler and the listeners fail at every place where they can.
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "nexus/idempotency/http/http_idempotency.hpp"
#include "nexus/idempotency/http/stored_response.hpp"
#include "support/catch.hpp"
#include "unit/http/http_world.hpp"

namespace nexus::idempotency::test {
namespace {

TEST_CASE("without its store, nothing is executed", "[http]") {
  const std::vector<std::pair<StoreErrc, bool>> codes{
      {StoreErrc::unavailable, true}, {StoreErrc::exhausted, true},
      {StoreErrc::contended, true},   {StoreErrc::in_doubt, true},
      {StoreErrc::corrupt, false},    {StoreErrc::misconfigured, false}};
  for (const auto& [code, may_try_again] : codes) {
    HttpWorld world;
    for (std::size_t n = 1; n <= 3; ++n) world.store.fail(n, code);  // in_doubt is asked again
    const HttpResponse response = world.handle();
    CAPTURE(to_string(code));
    CHECK(response.status == 503);
    CHECK(problem_of(response) == "store-unavailable");
    CHECK(header(response, "Retry-After").has_value() == may_try_again);
    if (may_try_again) CHECK(header(response, "Retry-After") == "1");
    CHECK(world.executions == 0);
    CHECK(world.store_faults == std::vector{code});
    // The store is back.
    world.store.reset();
    CHECK(world.handle() == world.answer);
    CHECK(world.executions == 1);
  }
}

TEST_CASE("without its store, a key that is optional protects too", "[http]") {
  HttpWorld world;
  world.store.fail(1, StoreErrc::unavailable);
  CHECK(world.handle(charge(), context(KeyRequirement::optional)).status == 503);
  CHECK(world.executions == 0);
}

TEST_CASE("a stored response that is none is no reason to execute", "[http]") {
  HttpWorld world;
  const HttpIdempotency http(world.service(), world.options);
  auto begun = http.begin(charge(), context());
  world.service().complete(*std::get<HttpExecution>(begun).attempt(), result("garbage"));
  for (int i = 0; i < 2; ++i) {
    const HttpResponse response = world.handle();
    CHECK(response.status == 503);
    CHECK(problem_of(response) == "store-unavailable");
    CHECK_FALSE(header(response, "Retry-After"));
  }
  CHECK(world.store_faults == std::vector{StoreErrc::corrupt, StoreErrc::corrupt});
  CHECK(world.executions == 0);
}

TEST_CASE("a result without bytes, recorded by other means, is told as such", "[http]") {
  HttpWorld world;
  const HttpIdempotency http(world.service(), world.options);
  auto begun = http.begin(charge(), context());
  world.service().complete(*std::get<HttpExecution>(begun).attempt(), ResultEnvelope::omitted());
  const HttpResponse response = world.handle();
  CHECK(response.status == 200);
  CHECK(problem_of(response) == "result-omitted");
  CHECK(is_replay(response));
  CHECK(world.executions == 0);
}

TEST_CASE("a failure without bytes, recorded by other means, is refused without", "[http]") {
  IdempotencyPolicy policy;
  policy.allow_retry_after_fail = false;
  HttpWorld world(policy);
  const HttpIdempotency http(world.service(), world.options);
  auto begun = http.begin(charge(), context());
  world.service().fail(*std::get<HttpExecution>(begun).attempt(), ResultEnvelope::omitted());
  const HttpResponse response = world.handle();
  CHECK(response.status == 422);
  CHECK(problem_of(response) == "retry-refused");
  CHECK(world.executions == 0);
}

TEST_CASE("an outcome that can't be recorded: the handler's response, and a report", "[http]") {
  for (const int status : {200, 422, 500, 429, 0}) {
    for (const StoreErrc code : {StoreErrc::unavailable, StoreErrc::in_doubt, StoreErrc::corrupt}) {
      HttpWorld world;
      world.answer.status = status;
      for (std::size_t n = 2; n <= 5; ++n) world.store.fail(n, code);
      CAPTURE(status, to_string(code));
      CHECK(world.handle() == world.answer);
      CHECK(world.unrecorded == std::vector<std::optional<HttpResponse>>{world.answer});
      CHECK(world.store_faults.empty());
      // The key stays taken: nobody executes before the lease ends.
      world.store.reset();
      CHECK(problem_of(world.handle()) == "in-progress");
      CHECK(world.executions == 1);
    }
  }
}

TEST_CASE("an outcome whose answer was lost has landed all the same", "[http]") {
  HttpWorld world;
  world.store.lose_answer(2);
  CHECK(world.handle() == world.answer);
  CHECK(world.unrecorded.empty());
  CHECK(world.handle().body == world.answer.body);
  CHECK(world.executions == 1);
}

TEST_CASE("a superseded handler's response is sent, and reported", "[http]") {
  HttpWorld world;
  const HttpResponse mine{200, {}, "mine"};
  world.answer = mine;
  world.during = [&](HttpExecution&) {
    world.during = nullptr;
    world.clock.advance(16min);
    world.answer = {200, {}, "successor's"};
    CHECK(world.handle().body == "successor's");
    world.answer = mine;
  };
  CHECK(world.handle() == mine);
  CHECK(world.unrecorded == std::vector<std::optional<HttpResponse>>{mine});
  CHECK(world.handle().body == "successor's");
  CHECK(world.executions == 2);
}

TEST_CASE("an exception of the handler passes unchanged, and the command may be retried",
          "[http]") {
  HttpWorld world;
  world.during = [](HttpExecution&) { throw std::out_of_range("the handler's own"); };
  CHECK_THROWS_AS(world.handle(), std::out_of_range);
  CHECK(world.stored().status == RecordStatus::failed);
  CHECK(world.unrecorded.empty());
  world.during = nullptr;
  CHECK(world.handle() == world.answer);
  CHECK(world.executions == 2);

  // Also when that can't be recorded; then it is reported, and the lease stands.
  world.during = [&](HttpExecution&) {
    world.store.reset();
    world.store.fail(1, StoreErrc::unavailable);
    throw std::out_of_range("the handler's own");
  };
  CHECK_THROWS_AS(world.handle(charge("\"key-2\"")), std::out_of_range);
  CHECK(world.unrecorded == std::vector<std::optional<HttpResponse>>{std::nullopt});
  CHECK(problem_of(world.handle(charge("\"key-2\""))) == "in-progress");

  // Even one of the library's own is the handler's here, not the store's.
  world.during = [](HttpExecution&) { throw StoreError(StoreErrc::unavailable, "another store"); };
  CHECK_THROWS_AS(world.handle(charge("\"key-3\"")), StoreError);
  CHECK(world.store_faults.empty());
}

TEST_CASE("listeners that throw, or are not there, change nothing", "[http]") {
  HttpWorld world;
  for (const bool there : {true, false}) {
    world.options.events = {};
    if (there) {
      world.options.events.outcome_not_recorded = [](const UnrecordedOutcome&) { throw 1; };
      world.options.events.store_failed = [](const std::exception_ptr&) { throw 2; };
    }
    const std::string key = there ? "\"a\"" : "\"b\"";
    world.store.reset();
    world.store.fail(1, StoreErrc::unavailable);
    CHECK(world.handle(charge(key)).status == 503);
    world.store.reset();
    world.store.fail(2, StoreErrc::unavailable);
    CHECK(world.handle(charge(key)) == world.answer);
  }
}

TEST_CASE("a rule of one's own that throws does not release the claim", "[http]") {
  HttpWorld world;
  world.options.responses.decide = [](const HttpResponse&) -> bool { throw 1; };
  CHECK(world.handle() == world.answer);
  CHECK(world.unrecorded.size() == 1);
  CHECK(problem_of(world.handle()) == "in-progress");
  CHECK(world.executions == 1);
}

}  // namespace
}  // namespace nexus::idempotency::test
