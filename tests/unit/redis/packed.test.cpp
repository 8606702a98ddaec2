// SPDX-License-Identifier: MIT
#include "redis/packed.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "unit/redis/samples.hpp"

namespace {

using namespace nexus::idempotency;
using namespace std::chrono_literals;
using redis::milliseconds_kept;
using redis::PackedRecord;
using redis::unpack;
using test::caught;
using test::completed;
using test::key;
using test::pending;
using test::start;

std::string packed(const IdempotencyRecord& record) {
  return std::string(PackedRecord(record).whole());
}

}  // namespace

TEST_CASE("a packed record is as its description says") {
  CHECK(packed(pending()) ==
        "10 7:token-1 13:fingerprint-1 1700000900000000 7 1700000000000000 1700000000000000 none");
  IdempotencyRecord record = completed(pending());
  record.expires_at.reset();
  CHECK(packed(record) ==
        "11 7:token-1 13:fingerprint-1 never 7 1700000000000000 1700000000000000 6:result");
  record.result = ResultEnvelope::omitted();
  CHECK(packed(record) ==
        "11 7:token-1 13:fingerprint-1 never 7 1700000000000000 1700000000000000 0:");
}

TEST_CASE("the head is equal for equal status, token and fingerprint only") {
  const auto head = [](RecordStatus status, const char* token, const char* fingerprint) {
    return redis::packed_head(status, AttemptToken(token), RequestFingerprint(fingerprint));
  };
  CHECK(PackedRecord(pending()).head() == head(RecordStatus::pending, "token-1", "fingerprint-1"));
  const std::string one = head(RecordStatus::pending, "a", "b");
  for (const std::string& other :
       {head(RecordStatus::failed, "a", "b"), head(RecordStatus::pending, "A", "b"),
        head(RecordStatus::pending, "a", "c"), head(RecordStatus::pending, "a 1:b", "b"),
        head(RecordStatus::pending, "a", "b 1:b")}) {
    INFO(other);
    // Neither is the start of the other, so comparing as many bytes as the head has is enough.
    CHECK(other.substr(0, one.size()) != one);
    CHECK(one.substr(0, other.size()) != other);
  }
}

TEST_CASE("the pieces of a record make it") {
  IdempotencyRecord record = completed(pending());
  const PackedRecord with(record);
  CHECK(with.deadline() == "1700086400000000");
  CHECK(with.rest() == " 7 1700000000000000 1700000000000000 6:result");
  CHECK(std::string(with.head()).append(with.deadline()).append(with.rest()) == with.whole());
  record.expires_at.reset();
  CHECK(PackedRecord(record).deadline() == "never");
}

TEST_CASE("a record comes back as it was packed") {
  std::vector<IdempotencyRecord> records{pending(), completed(pending())};
  IdempotencyRecord record = completed(pending());
  record.status = RecordStatus::failed;
  record.fence = std::numeric_limits<std::int64_t>::max();
  record.created_at = Timestamp::min();
  record.last_transition_at = Timestamp::max();
  record.expires_at = Timestamp::min();
  record.attempt_token = AttemptToken(std::string_view("a\0 3:\r\n\"b", 9));
  record.fingerprint = RequestFingerprint(std::string(512, 'f'));
  record.result = ResultEnvelope(std::string(ResultEnvelope::max_bytes, '\0'));
  records.push_back(record);
  record.status = RecordStatus::expired;
  record.expires_at.reset();
  record.result = ResultEnvelope::omitted();
  records.push_back(record);
  record.result.reset();
  records.push_back(record);
  for (const IdempotencyRecord& each : records) CHECK(unpack(packed(each), key()) == each);
}

TEST_CASE("what can't have been packed so is corrupt") {
  const std::string good = packed(completed(pending()));
  for (std::size_t size = 1; size < good.size(); ++size) {
    INFO(good.substr(0, size));
    CHECK(caught([&] { (void)unpack(good.substr(0, size), key()); }).code() == StoreErrc::corrupt);
  }
  CHECK(caught([&] { (void)unpack(good + "x", key()); }).code() == StoreErrc::corrupt);
  for (const std::string& bad :
       std::vector<std::string>{"",
                                "1",
                                "14 1:t 1:f 1 1 1 1 none",
                                "1x 1:t 1:f 1 1 1 1 none",
                                "10  1:t 1:f 1 1 1 1 none",
                                "10 1:t1:f 1 1 1 1 none",
                                "10 01:t 1:f 1 1 1 1 none",
                                "10 -1:t 1:f 1 1 1 1 none",
                                "10 1:t 1:f 01 1 1 1 none",
                                "10 1:t 1:f -0 1 1 1 none",
                                "10 1:t 1:f -01 1 1 1 none",
                                "10 1:t 1:f - 1 1 1 none",
                                "10 1:t 1:f 1 00 1 1 none",
                                "10 1:t 1:f 1x 1 1 1 none",
                                "10 1:t 1:f +1 1 1 1 none",
                                "10 1:t 1:f  1 1 1 none",
                                "10 1:t 1:f Never 1 1 1 none",
                                "10 1:t 1:f 1 -1 1 1 none",
                                "10 1:t 1:f 1 9223372036854775808 1 1 none",
                                "10 1:t 1:f 1 never 1 1 none",
                                "10 1:t 1:f 1 1 1 1 nonee",
                                "10 1:t 1:f 1 1 1 1 ",
                                "10 1: 1:f 1 1 1 1 none",
                                "10 0: 1:f 1 1 1 1 none",
                                "10 1:t 1:\xff 1 1 1 1 none",
                                "10 9999999999999999999:t 1:f 1 1 1 1 none",
                                "10 1:t 1:f 1 1 1 1 2:x",
                                "10 1:t 1:f 1 1 1 1 65537:" + std::string(65537, 'x')}) {
    INFO(bad.substr(0, 60));
    CHECK(caught([&] { (void)unpack(bad, key()); }).code() == StoreErrc::corrupt);
  }
}

TEST_CASE("a record of another version is misconfigured") {
  std::string other = packed(pending());
  other.front() = '2';
  CHECK(caught([&] { (void)unpack(other, key()); }).code() == StoreErrc::misconfigured);
}

TEST_CASE("how long a record is kept goes by its writer's time, rounded up") {
  IdempotencyRecord record = pending();
  CHECK(milliseconds_kept(record, 1h) == 75 * 60 * 1000);
  record.last_transition_at = start + 10min;
  CHECK(milliseconds_kept(record, 1h) == 65 * 60 * 1000);
  CHECK(milliseconds_kept(record, 1us) == 5 * 60 * 1000 + 1);
  record.last_transition_at = start + 20min;  // over already
  CHECK(milliseconds_kept(record, 1h) == 60 * 60 * 1000);
  CHECK(milliseconds_kept(record, 1us) == 1);
}

TEST_CASE("a record that lasts for ever, or for a thousand years, is not dropped") {
  IdempotencyRecord record = pending();
  record.expires_at.reset();
  CHECK_FALSE(milliseconds_kept(record, 1h));
  record.expires_at = Timestamp::max();
  CHECK_FALSE(milliseconds_kept(record, 1h));
  record.last_transition_at = Timestamp::min();
  CHECK_FALSE(milliseconds_kept(record, Duration::max()));
  record.expires_at = Timestamp::min();
  CHECK_FALSE(milliseconds_kept(record, Duration::max()));
  CHECK(milliseconds_kept(record, 1h) == 60 * 60 * 1000);
}
