// SPDX-License-Identifier: MIT
#include "redis/redirection.hpp"

#include "support/catch.hpp"

namespace {

using nexus::idempotency::redis::Address;
using nexus::idempotency::redis::redirection_in;

const Address from{"node-1", 7000, {}};

}  // namespace

TEST_CASE("MOVED and ASK name a node") {
  const auto moved = redirection_in("MOVED 3999 127.0.0.1:6381", from);
  REQUIRE(moved);
  CHECK_FALSE(moved->only_once);
  CHECK(moved->to.host == "127.0.0.1");
  CHECK(moved->to.port == 6381);
  const auto ask = redirection_in("ASK 3999 redis-2.example.org:65535", from);
  REQUIRE(ask);
  CHECK(ask->only_once);
  CHECK(ask->to.host == "redis-2.example.org");
  CHECK(ask->to.port == 65535);
}

TEST_CASE("an address may have colons in it, or be the node's own") {
  CHECK(redirection_in("MOVED 1 2001:db8::1:7001", from)->to.host == "2001:db8::1");
  for (const char* own : {"MOVED 1 :7001", "MOVED 1 ?:7001"}) {
    CHECK(redirection_in(own, from)->to.host == "node-1");
    CHECK(redirection_in(own, from)->to.port == 7001);
  }
}

TEST_CASE("whatever else is no redirection") {
  for (const char* other :
       {"", "MOVED", "MOVED 1 host", "MOVED 1 host:", "MOVED 1 host:0", "MOVED 1 host:70000",
        "MOVED 1 host:1x", "ASKING 1 host:1", "ERR MOVED 1 host:1", "CLUSTERDOWN 1 host:1"}) {
    INFO(other);
    CHECK_FALSE(redirection_in(other, from));
  }
}
