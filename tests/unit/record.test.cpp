// SPDX-License-Identifier: MIT
#include "nexus/idempotency/record.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <type_traits>
#include <vector>

#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

template <class T>
concept printable = requires(std::ostream& out, const T& value) {
  out << value;
};
static_assert(!printable<IdempotencyRecord>, "a record holds the token and the result");
static_assert(!printable<ResultEnvelope>, "a result may hold personal data");

static_assert(std::is_aggregate_v<IdempotencyRecord>);
static_assert(std::is_nothrow_move_constructible_v<IdempotencyRecord>);
static_assert(std::is_nothrow_move_assignable_v<IdempotencyRecord>);
static_assert(std::is_same_v<decltype(IdempotencyRecord::fence), std::uint64_t>);

IdempotencyRecord record() {
  return {.key = {TenantId{"t"}, OperationRef{"o"}, ClientKey{"k"}},
          .status = RecordStatus::completed,
          .fingerprint = RequestFingerprint{"f"},
          .attempt_token = AttemptToken{"a"},
          .fence = 7,
          .result = ResultEnvelope{"r"},
          .created_at = Timestamp{Duration{1}},
          .last_transition_at = Timestamp{Duration{2}},
          .expires_at = Timestamp{Duration{3}}};
}

TEST_CASE("records are equal when every member is", "[record]") {
  CHECK(record() == record());
  const std::vector<std::function<void(IdempotencyRecord&)>> changes{
      [](IdempotencyRecord& r) {
        r.key = {TenantId{"T"}, OperationRef{"o"}, ClientKey{"k"}};
      },
      [](IdempotencyRecord& r) { r.status = RecordStatus::failed; },
      [](IdempotencyRecord& r) { r.fingerprint = RequestFingerprint{"F"}; },
      [](IdempotencyRecord& r) { r.attempt_token = AttemptToken{"A"}; },
      [](IdempotencyRecord& r) { ++r.fence; },
      [](IdempotencyRecord& r) { r.result = ResultEnvelope{"R"}; },
      [](IdempotencyRecord& r) { r.result = ResultEnvelope::omitted(); },
      [](IdempotencyRecord& r) { r.result.reset(); },
      [](IdempotencyRecord& r) { r.created_at += Duration{1}; },
      [](IdempotencyRecord& r) { r.last_transition_at += Duration{1}; },
      [](IdempotencyRecord& r) { *r.expires_at += Duration{1}; },
      [](IdempotencyRecord& r) { r.expires_at.reset(); },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    for (std::size_t j = 0; j < changes.size(); ++j) {
      CAPTURE(i, j);
      IdempotencyRecord a = record();
      IdempotencyRecord b = record();
      changes[i](a);
      changes[j](b);
      CHECK_FALSE(a == record());
      CHECK((a == b) == (i == j));
    }
  }
}

TEST_CASE("names of RecordStatus", "[record]") {
  CHECK(to_string(RecordStatus::pending) == "pending");
  CHECK(to_string(RecordStatus::completed) == "completed");
  CHECK(to_string(RecordStatus::failed) == "failed");
  CHECK(to_string(RecordStatus::expired) == "expired");
  CHECK(to_string(static_cast<RecordStatus>(99)) == "unknown");
}

}  // namespace
}  // namespace nexus::idempotency::test
