// SPDX-License-Identifier: MIT
#include "nexus/idempotency/http/options.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "support/catch.hpp"
#include "unit/http/http_world.hpp"

namespace nexus::idempotency::test {
namespace {

TEST_CASE("options out of their range are refused", "[http]") {
  World world;
  const auto refused = [&](const std::function<void(HttpOptions&)>& change) {
    HttpOptions options;
    change(options);
    try {
      const HttpIdempotency http(world.service(), options);
      return false;
    } catch (const InvalidValueError&) {
      return true;
    }
  };
  CHECK_FALSE(refused([](HttpOptions&) {}));
  CHECK(refused([](HttpOptions& o) { o.key_header.name = ""; }));
  CHECK(refused([](HttpOptions& o) { o.key_header.name = "a b"; }));
  CHECK(refused([](HttpOptions& o) { o.key_header.max_length = 0; }));
  CHECK(refused([](HttpOptions& o) { o.key_header.max_length = ClientKey::max_length + 1; }));
  CHECK(refused([](HttpOptions& o) { o.max_retry_after = 0s; }));
  CHECK(refused([](HttpOptions& o) { o.max_retry_after = -1s; }));
  CHECK_FALSE(refused([](HttpOptions& o) { o.max_retry_after = 1s; }));
  CHECK(refused([](HttpOptions& o) { o.fingerprint.exclude = {"no pointer"}; }));
}

TEST_CASE("POST and PATCH need a key, other methods are left alone", "[http]") {
  HttpWorld world;
  int runs = 0;
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "post", ""}) {
    HttpRequest request = charge();
    request.method = method;
    CAPTURE(method);
    for (int i = 0; i < 2; ++i) CHECK(world.handle(request) == world.answer);
    CHECK(world.executions == (runs += 2));
  }
  CHECK(world.store.calls() == 0);
  for (const char* method : {"POST", "PATCH"}) {
    HttpRequest request = charge(std::string("\"") + method + "\"");
    request.method = method;
    CAPTURE(method);
    CHECK_FALSE(is_replay(world.handle(request)));
    CHECK(is_replay(world.handle(request)));
    CHECK(world.executions == ++runs);
  }
}

TEST_CASE("the methods can be set", "[http]") {
  HttpWorld world;
  world.options.methods = {"PUT"};
  HttpRequest request = charge();
  for (int i = 0; i < 2; ++i) CHECK(world.handle(request) == world.answer);
  request.method = "PUT";
  CHECK_FALSE(is_replay(world.handle(request)));
  CHECK(is_replay(world.handle(request)));
}

TEST_CASE("the key's field and the problems' types can be set", "[http]") {
  HttpWorld world;
  world.options.key_header.name = "X-Key";
  world.options.key_header.allow_bare = false;
  world.options.problem_type_base = "https://e.org/";
  HttpRequest request = charge();
  const auto type = [&] { return nlohmann::json::parse(world.handle(request).body).at("type"); };
  CHECK(type() == "https://e.org/key-missing");
  request.headers.emplace_back("X-Key", "bare");
  CHECK(type() == "https://e.org/key-malformed");
  request.headers.back().second = "\"quoted\"";
  CHECK(world.handle(request) == world.answer);
}

TEST_CASE("the fingerprint's options are used", "[http]") {
  HttpWorld world;
  world.options.fingerprint.exclude = {"/sent_at"};
  (void)world.handle(charge("\"key-1\"", R"({"amount":5,"sent_at":1})"));
  CHECK(is_replay(world.handle(charge("\"key-1\"", R"({"sent_at":2,"amount":5.0})"))));
  CHECK(problem_of(world.handle(charge("\"key-1\"", R"({"amount":6})"))) == "key-reused");
}

}  // namespace
}  // namespace nexus::idempotency::test
