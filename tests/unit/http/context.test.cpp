// SPDX-License-Identifier: MIT
#include "nexus/idempotency/http/context.hpp"

#include "support/catch.hpp"
#include "unit/http/http_world.hpp"

namespace nexus::idempotency::test {
namespace {

HttpRequest without_key() {
  HttpRequest request = charge();
  request.headers.pop_back();
  return request;
}

TEST_CASE("a route requires a key, unless it says otherwise", "[http]") {
  HttpWorld world;
  const HttpContext plain{TenantId("t"), OperationRef("o")};
  CHECK(problem_of(world.handle(without_key(), plain)) == "key-missing");
  CHECK(world.handle(without_key(), plain).status == 400);
  CHECK(world.executions == 0);
  CHECK(world.store.calls() == 0);
}

TEST_CASE("where a key is optional, a request without one runs each time", "[http]") {
  HttpWorld world;
  const HttpContext optional = context(KeyRequirement::optional);
  world.during = [](HttpExecution& execution) { CHECK(execution.attempt() == nullptr); };
  for (int i = 0; i < 2; ++i) CHECK(world.handle(without_key(), optional) == world.answer);
  CHECK(world.executions == 2);
  CHECK(world.store.calls() == 0);
  // With a key it runs once, and a malformed one is refused all the same.
  world.during = nullptr;
  (void)world.handle(charge(), optional);
  CHECK(is_replay(world.handle(charge(), optional)));
  CHECK(problem_of(world.handle(charge("\"open"), optional)) == "key-malformed");
  CHECK(world.executions == 3);
}

TEST_CASE("tenants and operations have keys of their own", "[http]") {
  HttpWorld world;
  for (const char* tenant : {"tenant-1", "tenant-2", "TENANT-1"}) {
    for (const char* operation : {"charge", "refund"}) {
      const HttpContext where{TenantId(tenant), OperationRef(operation)};
      world.answer.body = std::string(tenant) + operation;
      CHECK_FALSE(is_replay(world.handle(charge(), where)));
      CHECK(world.handle(charge(), where).body == world.answer.body);
    }
  }
  CHECK(world.executions == 6);
}

TEST_CASE("a fingerprint that was made elsewhere is taken", "[http]") {
  HttpWorld world;
  HttpContext where = context();
  where.fingerprint = fingerprint();
  (void)world.handle(charge("\"key-1\"", "a"), where);
  CHECK(world.stored().fingerprint == fingerprint());
  CHECK(is_replay(world.handle(charge("\"key-1\"", "b"), where)));
  where.fingerprint = other_fingerprint();
  CHECK(problem_of(world.handle(charge("\"key-1\"", "a"), where)) == "key-reused");
}

}  // namespace
}  // namespace nexus::idempotency::test
