// SPDX-License-Identifier: MIT
#include "nexus/idempotency/detail/memory_record.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "support/catch.hpp"
#include "unit/memory_samples.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;
using nexus::idempotency::detail::MemoryRecord;

namespace {

// Returns: what is given back of a record that was kept as the store does it.
IdempotencyRecord through_memory(const IdempotencyRecord& record,
                                 const RequestFingerprint* expected = nullptr) {
  const auto kept = MemoryRecord::make(record, record.expires_at.has_value());
  return kept->restore(record.key, record.expires_at.value_or(Timestamp::max()), expected);
}

IdempotencyRecord sample() {
  IdempotencyRecord record = claim_of(numbered_key(1), base + 15min);
  record.fence = 42;
  record.last_transition_at = base + 3s;
  record.result = ResultEnvelope{"result"};
  return record;
}

}  // namespace

TEST_CASE("MemoryRecord gives a record back as it was made") {
  IdempotencyRecord record = sample();

  SECTION("in every status") {
    record.status = GENERATE(RecordStatus::pending, RecordStatus::completed, RecordStatus::failed,
                             RecordStatus::expired);
  }
  SECTION("with every kind of result") {
    record.result = GENERATE(std::optional<ResultEnvelope>(), ResultEnvelope::omitted(),
                             ResultEnvelope{std::string("\0", 1)},
                             ResultEnvelope{std::string(ResultEnvelope::max_bytes, 'r')});
  }
  SECTION("with every kind of deadline") {
    record.expires_at = GENERATE(std::optional<Timestamp>(), Timestamp::max(), Timestamp::min(),
                                 Timestamp{}, Timestamp{Duration{-1}});
  }
  SECTION("with times at the ends of their range") {
    record.created_at = GENERATE(Timestamp::min(), Timestamp{Duration{-1}}, Timestamp::max());
    record.last_transition_at = GENERATE(Timestamp::max(), Timestamp::min());
  }
  SECTION("with the greatest fence") {
    record.fence = std::uint64_t{std::numeric_limits<std::int64_t>::max()};
  }
  SECTION("with texts of one byte and of the greatest length, each byte escaped in the key") {
    const bool longest = GENERATE(false, true);
    const auto text = [&](std::size_t max_length) {
      return std::string(longest ? max_length : 1, '\x01');
    };
    record.key = {TenantId{text(TenantId::max_length)},
                  OperationRef{text(OperationRef::max_length)},
                  ClientKey{text(ClientKey::max_length)}};
    record.fingerprint = RequestFingerprint{text(RequestFingerprint::max_length)};
    record.attempt_token = AttemptToken{text(AttemptToken::max_length)};
  }

  CHECK(through_memory(record) == record);
  CHECK(through_memory(record, &record.fingerprint) == record);
  const RequestFingerprint other{"another fingerprint"};
  CHECK(through_memory(record, &other) == record);
}

TEST_CASE("MemoryRecord tells its key, status and whether it has a deadline") {
  IdempotencyRecord record = sample();
  record.status = RecordStatus::failed;
  const auto kept = MemoryRecord::make(record, true);
  CHECK(kept->encoded_key() == record.key.encoded());
  CHECK(kept->status() == RecordStatus::failed);
  CHECK(kept->has_deadline());
  CHECK_FALSE(MemoryRecord::make(record, false)->has_deadline());
}

TEST_CASE("MemoryRecord compares token and fingerprint byte for byte") {
  IdempotencyRecord record = sample();
  record.fingerprint = RequestFingerprint{"abc"};
  record.attempt_token = AttemptToken{"xyz"};
  const auto kept = MemoryRecord::make(record, true);

  CHECK(kept->has(RequestFingerprint{"abc"}));
  CHECK(kept->has(AttemptToken{"xyz"}));
  // Also where the bytes behind or before one another would do, for they stand in one block.
  for (const char* other : {"ab", "abcx", "bc", "Abc", "abd", "xyz"}) {
    CHECK_FALSE(kept->has(RequestFingerprint{other}));
  }
  for (const char* other : {"xy", "cxyz", "yz", "xyZ", "xyzz", "abc"}) {
    CHECK_FALSE(kept->has(AttemptToken{other}));
  }
}

TEST_CASE("MemoryRecord shares an expected fingerprint and its result rather than copy them") {
  IdempotencyRecord record = sample();
  record.fingerprint = RequestFingerprint{std::string(RequestFingerprint::max_length, 'f')};
  const auto kept = MemoryRecord::make(record, true);
  const IdempotencyRecord restored = kept->restore(record.key, base, &record.fingerprint);
  CHECK(restored.fingerprint.value().data() == record.fingerprint.value().data());
  CHECK(restored.result->payload().data() == record.result->payload().data());
}

TEST_CASE(
    "MemoryRecord::update takes over everything of a fixed size and hands the old result out") {
  const std::optional<ResultEnvelope> before =
      GENERATE(std::optional<ResultEnvelope>(), ResultEnvelope::omitted(), ResultEnvelope{"old"});
  const std::optional<ResultEnvelope> after =
      GENERATE(std::optional<ResultEnvelope>(), ResultEnvelope::omitted(), ResultEnvelope{"new"});
  const bool has_deadline = GENERATE(true, false);
  IdempotencyRecord record = sample();
  record.result = before;
  const auto kept = MemoryRecord::make(record, !has_deadline);

  IdempotencyRecord next = record;
  next.status = RecordStatus::completed;
  next.fence = 77;
  next.result = after;
  next.created_at = base + 1h;
  next.last_transition_at = base + 2h;
  next.expires_at = has_deadline ? std::optional<Timestamp>(base + 3h) : std::nullopt;
  ResultEnvelope replaced = ResultEnvelope::omitted();
  kept->update(next, has_deadline, replaced);

  CHECK(kept->restore(record.key, base + 3h, nullptr) == next);
  CHECK(replaced == before.value_or(ResultEnvelope::omitted()));
  if (before) CHECK(replaced.payload().data() == before->payload().data());
}
