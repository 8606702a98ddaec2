// SPDX-License-Identifier: MIT
#include "nexus/idempotency/http/execution.hpp"

#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/idempotency/http/stored_response.hpp"
#include "support/catch.hpp"
#include "unit/http/http_world.hpp"

namespace nexus::idempotency::test {
namespace {

TEST_CASE("a handler sees the attempt that it runs under", "[http]") {
  HttpWorld world;
  world.during = [&](HttpExecution& execution) {
    REQUIRE(execution.attempt() != nullptr);
    CHECK(execution.attempt()->key == key());
    CHECK(execution.attempt()->token == world.stored().attempt_token);
    CHECK(execution.attempt()->fence == world.stored().fence);
    CHECK_FALSE(execution.is_recorded());
  };
  (void)world.handle();
  CHECK(world.executions == 1);
}

TEST_CASE("the envelope is what is recorded", "[http]") {
  HttpWorld world;
  world.answer.headers.emplace_back("Date", "now");
  std::vector<ResultEnvelope> envelopes;
  world.during = [&](HttpExecution& execution) {
    envelopes.push_back(execution.envelope(world.answer));
  };
  (void)world.handle();
  REQUIRE(envelopes.size() == 1);
  CHECK(world.stored().result == envelopes.front());
  CHECK(decode_response(envelopes.front()) ==
        StoredResponse{200, {{"Content-Type", "application/json"}}, world.answer.body});
}

TEST_CASE("a handler may record the outcome itself; then nobody else does", "[http]") {
  HttpWorld world;
  world.during = [&](HttpExecution& execution) {
    world.service().complete(*execution.attempt(), execution.envelope(world.answer));
    execution.mark_recorded();
    CHECK(execution.is_recorded());
    world.store.reset();
  };
  CHECK(world.handle() == world.answer);
  CHECK(world.store.calls() == 0);
  CHECK(world.handle().body == world.answer.body);
  CHECK(world.executions == 1);

  // Not marked, the same outcome is reported twice, which a service allows.
  world.during = [&](HttpExecution& execution) {
    world.service().complete(*execution.attempt(), execution.envelope(world.answer));
  };
  CHECK(world.handle(charge("\"key-2\"")) == world.answer);
  CHECK(world.unrecorded.empty());

  // Marked, an exception after the commit does not make the command run again.
  world.during = [&](HttpExecution& execution) {
    world.service().complete(*execution.attempt(), execution.envelope(world.answer));
    execution.mark_recorded();
    throw std::runtime_error("after the commit");
  };
  CHECK_THROWS_AS(world.handle(charge("\"key-3\"")), std::runtime_error);
  CHECK(is_replay(world.handle(charge("\"key-3\""))));
  CHECK(world.executions == 3);
}

TEST_CASE("the two halves of handle, for handlers that answer later", "[http]") {
  HttpWorld world;
  const HttpIdempotency http(world.service(), world.options);
  auto first = http.begin(charge(), context());
  REQUIRE(std::holds_alternative<HttpExecution>(first));
  HttpExecution execution = std::get<HttpExecution>(std::move(first));

  // Meanwhile the key is taken.
  auto meanwhile = http.begin(charge(), context());
  REQUIRE(std::holds_alternative<HttpResponse>(meanwhile));
  CHECK(problem_of(std::get<HttpResponse>(meanwhile)) == "in-progress");

  const HttpExecution moved = std::move(execution);
  http.finish(moved, world.answer);
  auto later = http.begin(charge(), context());
  REQUIRE(std::holds_alternative<HttpResponse>(later));
  CHECK(std::get<HttpResponse>(later).body == world.answer.body);

  // Abandoned, the command may be tried again at once.
  auto other = http.begin(charge("\"key-2\""), context());
  http.abandon(std::get<HttpExecution>(other));
  CHECK(std::holds_alternative<HttpExecution>(http.begin(charge("\"key-2\""), context())));
  CHECK(world.unrecorded.empty());
}

}  // namespace
}  // namespace nexus::idempotency::test
