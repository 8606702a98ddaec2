// SPDX-License-Identifier: MIT
// The store in Redis under the conformance suite.
#include "nexus/idempotency/redis/redis_store.hpp"

#include "support/catch.hpp"
#include "support/redis_fixture.hpp"
#include "support/redis_server.hpp"

namespace {

using namespace nexus::idempotency;
using test::check_conformance;
using test::redis_options;
using test::RedisFixture;

}  // namespace

TEST_CASE("the Redis store conforms") {
  RedisFixture fixture(redis_options());
  check_conformance(fixture);
}

TEST_CASE("the Redis store conforms with a single connection, in another database") {
  RedisStoreOptions options = redis_options();
  options.pool_size = 1;
  options.database = 3;
  RedisFixture fixture(options);
  check_conformance(fixture);
}
