// SPDX-License-Identifier: MIT
#include "nexus/idempotency/http/http_idempotency.hpp"

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "unit/http/http_world.hpp"

namespace nexus::idempotency::test {
namespace {

using namespace std::string_literals;

TEST_CASE("a command runs once; a replay is the same bytes, and says so", "[http]") {
  HttpWorld world;
  world.answer = {201,
                  {{"Content-Type", "application/json"},
                   {"Location", "/v1/charges/ch_1"},
                   {"Link", "a"},
                   {"Link", "b"},
                   {"Date", "Sun, 06 Nov 1994 08:49:37 GMT"},
                   {"Set-Cookie", "session=secret"},
                   {"Connection", "X-Hop"},
                   {"X-Hop", "1"}},
                  "{\"id\": \"ch_1\"}\0\xFF"s};
  CHECK(world.handle() == world.answer);
  const HttpResponse replayed{201,
                              {{"Content-Type", "application/json"},
                               {"Location", "/v1/charges/ch_1"},
                               {"Link", "a"},
                               {"Link", "b"},
                               {"Idempotent-Replayed", "true"}},
                              world.answer.body};
  world.answer = {200, {}, "another"};
  for (int i = 0; i < 3; ++i) CHECK(world.handle() == replayed);
  // Bare or quoted, it is the same key.
  CHECK(world.handle(charge("key-1")) == replayed);
  CHECK(world.executions == 1);
  CHECK(world.stored().result->payload().find("secret") == std::string_view::npos);
}

TEST_CASE("what may not be stored is not replayed either", "[http]") {
  HttpWorld world;
  world.options.responses.unstored_headers = {};
  world.answer.headers.emplace_back("X-Later-Secret", "1");
  (void)world.handle();
  CHECK(header(world.handle(), "X-Later-Secret") == "1");
  world.options.responses.unstored_headers = {"X-Later-Secret"};
  CHECK(header(world.handle(), "X-Later-Secret") == std::nullopt);
}

TEST_CASE("which responses are results, and which may be retried", "[http]") {
  const std::vector<std::pair<int, bool>> statuses{
      {200, true},  {201, true},  {202, true},  {204, true},  {301, true},  {303, true},
      {304, true},  {400, true},  {402, true},  {404, true},  {405, true},  {410, true},
      {412, true},  {415, true},  {422, true},  {401, false}, {403, false}, {408, false},
      {409, false}, {425, false}, {429, false}, {500, false}, {502, false}, {503, false},
      {599, false}, {0, false},   {100, false}, {600, false}, {-7, false},  {1000, false}};
  for (const auto& [status, result] : statuses) {
    HttpWorld world;
    world.answer.status = status;
    CAPTURE(status);
    CHECK(world.handle() == world.answer);
    CHECK(world.stored().status == (result ? RecordStatus::completed : RecordStatus::failed));
    CHECK(is_replay(world.handle()) == result);
    CHECK(world.executions == (result ? 1 : 2));
    CHECK(world.unrecorded.empty());
  }
}

TEST_CASE("a retry of a failure may succeed, and is then the result", "[http]") {
  HttpWorld world;
  world.answer.status = 503;
  CHECK(world.handle().status == 503);
  world.answer.status = 200;
  CHECK(world.handle().status == 200);
  world.answer.status = 500;
  CHECK(world.handle().status == 200);
  CHECK(world.executions == 2);
}

TEST_CASE("a failure that may not be retried is answered as it was", "[http]") {
  IdempotencyPolicy policy;
  policy.allow_retry_after_fail = false;
  HttpWorld world(policy);
  world.answer = {503, {{"Content-Type", "text/plain"}, {"Date", "now"}}, "bank is down"};
  CHECK(world.handle() == world.answer);
  CHECK(world.handle() ==
        HttpResponse{503,
                     {{"Content-Type", "text/plain"}, {"Idempotent-Replayed", "true"}},
                     "bank is down"});
  CHECK(world.executions == 1);

  // With a body too large to be stored: its status, at least.
  world.answer.body.assign(ResultEnvelope::max_bytes, 'x');
  CHECK(world.handle(charge("\"key-2\"")) == world.answer);
  const HttpResponse omitted = world.handle(charge("\"key-2\""));
  CHECK(omitted.status == 503);
  CHECK(problem_of(omitted) == "result-omitted");

  // With none.
  world.during = [](HttpExecution&) { throw 42; };
  CHECK_THROWS_AS(world.handle(charge("\"key-3\"")), int);
  const HttpResponse refused = world.handle(charge("\"key-3\""));
  CHECK(refused.status == 422);
  CHECK(problem_of(refused) == "retry-refused");
  CHECK_FALSE(is_replay(refused));
  // Another request's key goes first.
  CHECK(problem_of(world.handle(charge("\"key-3\"", "{}"))) == "key-reused");
}

TEST_CASE("a result without its body is told, and never executed again", "[http]") {
  HttpWorld world;
  world.answer = {201,
                  {{"Content-Type", "text/csv"},
                   {"content-encoding", "gzip"},
                   {"Content-Language", "de"},
                   {"ETag", "\"1\""},
                   {"Last-Modified", "then"},
                   {"Location", "/v1/exports/1"},
                   {"Contents", "kept"}},
                  std::string(ResultEnvelope::max_bytes, 'x')};
  CHECK(world.handle() == world.answer);
  for (int i = 0; i < 2; ++i) {
    const HttpResponse replayed = world.handle();
    CHECK(replayed.status == 201);
    CHECK(problem_of(replayed) == "result-omitted");
    CHECK(replayed.headers == HeaderFields{{"Content-Type", "application/problem+json"},
                                           {"Location", "/v1/exports/1"},
                                           {"Contents", "kept"},
                                           {"Idempotent-Replayed", "true"}});
  }
  CHECK(world.executions == 1);

  // Headers too large to be stored.
  world.answer.headers.emplace_back("X-Large", std::string(ResultEnvelope::max_bytes, 'x'));
  (void)world.handle(charge("\"key-2\""));
  CHECK(world.handle(charge("\"key-2\"")).status == 201);
  CHECK(problem_of(world.handle(charge("\"key-2\""))) == "result-omitted");
  CHECK(world.executions == 2);

  // Where no body may follow, there is none to say so.
  world.answer.body.clear();
  for (const int status : {204, 205, 304}) {
    world.answer.status = status;
    const HttpRequest request = charge(std::to_string(status));
    CHECK(world.handle(request) == world.answer);
    CHECK(world.handle(request) == HttpResponse{status, {{"Idempotent-Replayed", "true"}}, ""});
  }
}

TEST_CASE("another request's key is a conflict, also while that is being executed", "[http]") {
  HttpWorld world;
  std::vector<HttpResponse> meanwhile;
  world.during = [&](HttpExecution&) {
    world.during = nullptr;
    meanwhile.push_back(world.handle(charge("\"key-1\"", "{}")));
  };
  (void)world.handle();
  REQUIRE(meanwhile.size() == 1);
  meanwhile.push_back(world.handle(charge("\"key-1\"", "{}")));
  HttpRequest elsewhere = charge();
  elsewhere.path = "/v1/charges/2";
  meanwhile.push_back(world.handle(elsewhere));
  for (const HttpResponse& response : meanwhile) {
    CHECK(response.status == 422);
    CHECK(problem_of(response) == "key-reused");
    CHECK_FALSE(header(response, "Retry-After"));
    CHECK_FALSE(is_replay(response));
  }
  CHECK(world.executions == 1);
  // The same request, spelt differently, is none.
  CHECK(is_replay(world.handle(charge("\"key-1\"", "{ \"amount\": 5.0 }"))));
}

TEST_CASE("Retry-After is what is left of the lease, between 1 s and the limit", "[http]") {
  struct Case {
    std::optional<Duration> lease;
    Duration passed;
    std::chrono::seconds limit;
    std::string expected;
  };
  const std::vector<Case> cases{
      {15min, 0s, 10s, "10"},      {15min, 0s, 3600s, "900"},
      {15min, 1us, 3600s, "900"},  {15min, 899s, 10s, "1"},
      {15min, 890s, 10s, "10"},    {15min, 891s, 10s, "9"},
      {15min, 892500ms, 10s, "8"}, {15min, 900s, 10s, "1"},
      {2s, 1999999us, 10s, "1"},   {2s, 999999us, 10s, "2"},
      {2s, 0s, 1s, "1"},           {std::nullopt, 0s, 10s, "10"},
      {std::nullopt, 0s, 7s, "7"}, {Duration::max(), 0s, 10s, "10"},
  };
  for (const Case& c : cases) {
    IdempotencyPolicy policy;
    policy.pending_ttl = c.lease;
    HttpWorld world(policy);
    world.options.max_retry_after = c.limit;
    std::optional<HttpResponse> meanwhile;
    world.during = [&](HttpExecution&) {
      world.during = nullptr;
      world.clock.advance(c.passed);
      meanwhile = world.handle();
    };
    (void)world.handle();
    CAPTURE(c.passed.count(), c.limit.count(), c.expected);
    REQUIRE(meanwhile);
    CHECK(meanwhile->status == 409);
    CHECK(problem_of(*meanwhile) == "in-progress");
    CHECK(header(*meanwhile, "Retry-After") == c.expected);
    CHECK_FALSE(is_replay(*meanwhile));
    CHECK(world.executions == 1);
  }
}

TEST_CASE("Retry-After is not over the lease, also if the owner read its clock last", "[http]") {
  IdempotencyPolicy policy;
  policy.pending_ttl = 2s;
  HttpWorld world(policy);
  IdempotencyService owner(world.memory, world.clock, policy);
  world.store.before(1, [&] {
    world.clock.advance(1us);
    (void)HttpIdempotency(owner).begin(charge(), context());
  });
  const HttpResponse response = world.handle();
  CHECK(response.status == 409);
  CHECK(header(response, "Retry-After") == "2");
}

TEST_CASE("without a usable key nothing runs, and the answer says why", "[http]") {
  const std::vector<std::pair<std::string, std::string>> keys{{"", "empty"},
                                                              {"\"\"", "empty"},
                                                              {"a,b", "several"},
                                                              {"\"a\";b", "parameters"},
                                                              {"\"\u00E9\"", "not_ascii"},
                                                              {"\" a\"", "padded"},
                                                              {"\"a", "malformed"},
                                                              {std::string(257, 'a'), "too_long"}};
  HttpWorld world;
  for (const auto& [value, reason] : keys) {
    const HttpResponse response = world.handle(charge(value));
    CAPTURE(value);
    CHECK(response.status == 400);
    CHECK(problem_of(response) == "key-malformed");
    CHECK(nlohmann::json::parse(response.body).at("reason") == reason);
  }
  world.options.key_header.allow_bare = false;
  CHECK(nlohmann::json::parse(world.handle(charge("a")).body).at("reason") == "bare");
  HttpRequest twice = charge();
  twice.headers.emplace_back("idempotency-key", "\"key-1\"");
  CHECK(nlohmann::json::parse(world.handle(twice).body).at("reason") == "several");
  CHECK(world.executions == 0);
  CHECK(world.store.calls() == 0);
}

TEST_CASE("threads that send one request at once get one execution and its response", "[http]") {
  World world;
  const HttpIdempotency http(world.service());
  constexpr int threads = 8;
  constexpr int keys = 50;
  std::atomic<int> executions{0};
  std::atomic<int> wrong{0};
  std::vector<std::thread> crew;
  for (int t = 0; t < threads; ++t) {
    crew.emplace_back([&] {
      for (int k = 0; k < keys; ++k) {
        const HttpRequest request = charge("\"key-" + std::to_string(k) + "\"");
        const auto handler = [&](const HttpRequest&, HttpExecution&) {
          ++executions;
          return HttpResponse{201, {}, std::to_string(k)};
        };
        HttpResponse response = http.handle(request, context(), handler);
        while (response.status == 409) response = http.handle(request, context(), handler);
        if (response.status != 201 || response.body != std::to_string(k)) ++wrong;
      }
    });
  }
  for (std::thread& thread : crew) thread.join();
  CHECK(executions == keys);
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace nexus::idempotency::test
