// SPDX-License-Identifier: MIT
#include "stores/stored_row.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/store_error.hpp"

namespace {

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;
using stores::StoredRow;

const IdempotencyKey& asked() {
  static const IdempotencyKey key{TenantId("tenant"), OperationRef("operation"), ClientKey("key")};
  return key;
}

StoredRow row() {
  return {"tenant", "operation", "key", 1, "fingerprint", "token", 41, "result", -5, 7, 9};
}

}  // namespace

TEST_CASE("stored rows: a record as it was written") {
  const IdempotencyRecord expected{asked(),
                                   RecordStatus::completed,
                                   RequestFingerprint("fingerprint"),
                                   AttemptToken("token"),
                                   41,
                                   ResultEnvelope("result"),
                                   Timestamp(Duration(-5)),
                                   Timestamp(Duration(7)),
                                   Timestamp(Duration(9))};
  CHECK(stores::restore(row(), asked()) == expected);
}

TEST_CASE("stored rows: there and back") {
  CHECK(stores::status_number(RecordStatus::pending) == 0);
  CHECK(stores::status_number(RecordStatus::completed) == 1);
  CHECK(stores::status_number(RecordStatus::failed) == 2);
  CHECK(stores::status_number(RecordStatus::expired) == 3);
  CHECK(stores::microseconds(Timestamp::min()) == std::numeric_limits<std::int64_t>::min());
  CHECK(stores::microseconds(std::optional<Timestamp>()) == std::nullopt);
  CHECK(stores::microseconds(std::optional(Timestamp(Duration(3)))) == 3);
  for (std::int64_t status = 0; status < 4; ++status) {
    StoredRow stored = row();
    stored.status = status;
    CHECK(stores::status_number(stores::restore(stored, asked()).status) == status);
  }
}

TEST_CASE("stored rows: the three states of a result") {
  StoredRow stored = row();
  stored.result = std::nullopt;
  CHECK(stores::restore(stored, asked()).result == std::nullopt);
  stored.result = std::string_view();
  CHECK(stores::restore(stored, asked()).result == ResultEnvelope::omitted());
  const std::string longest(ResultEnvelope::max_bytes, '\0');
  stored.result = longest;
  CHECK(stores::restore(stored, asked()).result->payload() == longest);

  CHECK(stores::result_bytes(std::nullopt) == std::nullopt);
  const std::optional<ResultEnvelope> omitted = ResultEnvelope::omitted();
  CHECK(stores::result_bytes(omitted) == std::string_view());
  const std::optional<ResultEnvelope> bytes = ResultEnvelope("x");
  CHECK(stores::result_bytes(bytes) == "x");
}

TEST_CASE("stored rows: the extremes of numbers") {
  StoredRow stored = row();
  stored.fence = std::numeric_limits<std::int64_t>::max();
  stored.created_at = std::numeric_limits<std::int64_t>::min();
  stored.expires_at = std::nullopt;
  const IdempotencyRecord record = stores::restore(stored, asked());
  CHECK(record.fence == 9'223'372'036'854'775'807U);
  CHECK(record.created_at == Timestamp::min());
  CHECK(record.expires_at == std::nullopt);
}

TEST_CASE("stored rows: another key comes back as that, for the caller to see") {
  const std::vector<std::function<void(StoredRow&)>> changes{
      [](StoredRow& r) { r.tenant = "Tenant"; }, [](StoredRow& r) { r.operation = "operations"; },
      [](StoredRow& r) { r.client_key = "kez"; }};
  for (const auto& change : changes) {
    StoredRow stored = row();
    change(stored);
    const IdempotencyRecord record = stores::restore(stored, asked());
    CHECK_FALSE(record.key == asked());
    CHECK(record.key.tenant().value() == stored.tenant);
    CHECK(record.key.operation().value() == stored.operation);
    CHECK(record.key.client_key().value() == stored.client_key);
  }
}

TEST_CASE("stored rows: what can't have been written is corrupt") {
  static const std::string too_long(ResultEnvelope::max_bytes + 1, 'x');
  const std::vector<std::function<void(StoredRow&)>> changes{
      [](StoredRow& r) { r.status = -1; },
      [](StoredRow& r) { r.status = 4; },
      [](StoredRow& r) { r.status = std::int64_t{1} << 32; },  // 0 if it were cut to 32 bits
      [](StoredRow& r) { r.fence = -1; },
      [](StoredRow& r) { r.result = too_long; },
      [](StoredRow& r) { r.fingerprint = ""; },
      [](StoredRow& r) { r.fingerprint = " padded"; },
      [](StoredRow& r) { r.attempt_token = ""; },
      [](StoredRow& r) { r.attempt_token = "\xff"; },
      [](StoredRow& r) { r.attempt_token = "padded\n"; },
      [](StoredRow& r) { r.tenant = ""; },
      [](StoredRow& r) { r.operation = "\xc3"; },
      [](StoredRow& r) { r.client_key = " key"; },
      [](StoredRow& r) { r.client_key = std::string_view(too_long).substr(0, 257); }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    CAPTURE(i);
    StoredRow stored = row();
    changes[i](stored);
    CHECK(store_error([&] { (void)stores::restore(stored, asked()); }) == StoreErrc::corrupt);
  }
}
