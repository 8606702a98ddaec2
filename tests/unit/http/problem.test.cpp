// SPDX-License-Identifier: MIT
#include "nexus/idempotency/http/problem.hpp"

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// Clients compare these: they must never change.
TEST_CASE("each problem has its status and its type", "[http]") {
  const std::vector<std::pair<ProblemKind, std::pair<int, std::string>>> kinds{
      {ProblemKind::key_missing, {400, "urn:nexus-idempotency:problem:key-missing"}},
      {ProblemKind::key_malformed, {400, "urn:nexus-idempotency:problem:key-malformed"}},
      {ProblemKind::in_progress, {409, "urn:nexus-idempotency:problem:in-progress"}},
      {ProblemKind::key_reused, {422, "urn:nexus-idempotency:problem:key-reused"}},
      {ProblemKind::retry_refused, {422, "urn:nexus-idempotency:problem:retry-refused"}},
      {ProblemKind::store_unavailable, {503, "urn:nexus-idempotency:problem:store-unavailable"}},
      {ProblemKind::result_omitted, {200, "urn:nexus-idempotency:problem:result-omitted"}},
  };
  for (const auto& [kind, expected] : kinds) {
    const HttpResponse response = problem_response({kind});
    CAPTURE(expected.second);
    CHECK(response.status == expected.first);
    CHECK(response.headers == HeaderFields{{"Content-Type", "application/problem+json"}});
    const json body = json::parse(response.body);
    CHECK(body.size() == 4);
    CHECK(body.at("type") == expected.second);
    CHECK(body.at("status") == expected.first);
    CHECK_FALSE(body.at("title").get<std::string>().empty());
    CHECK_FALSE(body.at("detail").get<std::string>().empty());
  }
}

TEST_CASE("a problem may have a reason, a time to retry and another status", "[http]") {
  HttpResponse response = problem_response({ProblemKind::key_malformed, "several"});
  CHECK(json::parse(response.body).at("reason") == "several");

  response = problem_response({ProblemKind::in_progress, {}, 7s});
  CHECK(response.headers ==
        HeaderFields{{"Content-Type", "application/problem+json"}, {"Retry-After", "7"}});

  response = problem_response({ProblemKind::result_omitted, {}, std::nullopt, 201});
  CHECK(response.status == 201);
  CHECK(json::parse(response.body).at("status") == 201);
}

TEST_CASE("the base of the types is the server's choice", "[http]") {
  CHECK(json::parse(problem_response({ProblemKind::key_reused}, "https://e.org/p/").body)
            .at("type") == "https://e.org/p/key-reused");
  CHECK(json::parse(problem_response({ProblemKind::key_reused}, "a\"\\\n").body).at("type") ==
        "a\"\\\nkey-reused");
}

}  // namespace
}  // namespace nexus::idempotency::test
