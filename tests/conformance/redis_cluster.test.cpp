// SPDX-License-Identifier: MIT
// The store in a Redis Cluster of three nodes under the conformance suite.
#include "nexus/idempotency/redis/redis_store.hpp"

#include <cstdint>
#include <string>

#include "support/catch.hpp"
#include "support/redis_fixture.hpp"
#include "support/redis_server.hpp"

namespace {

using namespace nexus::idempotency;
using test::check_conformance;
using test::RedisFixture;

}  // namespace

TEST_CASE("the Redis store conforms in a cluster") {
  // The first of "host:port host:port host:port ".
  const std::string nodes = test::redis_environment("NEXUS_IDEMPOTENCY_REDIS_CLUSTER");
  RedisStoreOptions options;
  options.host = nodes.substr(0, nodes.find(':'));
  options.port = static_cast<std::uint16_t>(std::stoi(nodes.substr(nodes.find(':') + 1)));
  options.cluster = true;
  RedisFixture fixture(options);
  check_conformance(fixture);
}
