// SPDX-License-Identifier: MIT
// The store in Redis under the conformance suite.
#include "nexus/idempotency/redis/redis_store.hpp"

#include <cstdint>

#include "support/catch.hpp"
#include "support/redis_fixture.hpp"
#include "support/redis_process.hpp"
#include "support/redis_server.hpp"
#include "support/tls_files.hpp"

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

TEST_CASE("the Redis store conforms over TLS, with certificates on both sides") {
  const test::TlsFiles files;
  const int port = test::free_port();
  test::RedisProcess server(files.settings(port, "localhost", "yes"));
  RedisStoreOptions options;
  options.port = static_cast<std::uint16_t>(port);
  options.tls = true;
  options.tls_ca_file = files.file("ca.pem");
  options.tls_certificate_file = files.file("client.pem");
  options.tls_key_file = files.file("client.key");
  RedisFixture fixture(options);
  check_conformance(fixture);
}
