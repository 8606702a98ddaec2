// SPDX-License-Identifier: MIT
#include "redis/slot.hpp"

#include "support/catch.hpp"

using nexus::idempotency::redis::crc16;
using nexus::idempotency::redis::slot_of;

TEST_CASE("the checksum is CRC-16/XMODEM") {
  CHECK(crc16("123456789") == 0x31C3);  // the check value of that algorithm
  CHECK(crc16("") == 0);
}

// Against a node's own CLUSTER KEYSLOT: cluster.test.cpp.
TEST_CASE("only what is between the first braces counts") {
  CHECK(slot_of("{user1000}.following") == slot_of("user1000"));
  CHECK(slot_of("foo{bar}{zap}") == slot_of("bar"));
  CHECK(slot_of("foo{{bar}}zap") == slot_of("{bar"));
  CHECK(slot_of("foo{}{bar}") == crc16("foo{}{bar}") % 16384);
  CHECK(slot_of("foo{bar") == crc16("foo{bar") % 16384);
  CHECK(slot_of("foo}bar{zap") == crc16("foo}bar{zap") % 16384);
}
