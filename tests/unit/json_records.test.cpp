// SPDX-License-Identifier: MIT
// The JSON of keys, records and attempts, for logs.
#include "nexus/idempotency/json.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

using nlohmann::json;

IdempotencyRecord record() {
  return {.key = {TenantId{"t"}, OperationRef{"o"}, ClientKey{"k"}},
          .status = RecordStatus::completed,
          .fingerprint = RequestFingerprint{"f"},
          .attempt_token = AttemptToken{"T0KEN"},
          .fence = 7,
          .result = ResultEnvelope{"PAYL0AD"},
          .created_at = Timestamp{Duration{1}},
          .last_transition_at = Timestamp{Duration{-2}},
          .expires_at = std::nullopt};
}

Attempt attempt() {
  return {.key = {TenantId{"t"}, OperationRef{"o"}, ClientKey{"k"}},
          .fingerprint = RequestFingerprint{"f"},
          .token = AttemptToken{"T0KEN"},
          .fence = 7,
          .started_at = Timestamp{Duration{1}},
          .lease_end = Timestamp{Duration{2}}};
}

TEST_CASE("a record as JSON: every member, but neither token nor payload", "[json_records]") {
  CHECK(json(record()) == json::parse(R"({
    "key": {"tenant": "t", "operation": "o", "client_key": "k"},
    "status": "completed",
    "fingerprint": "f",
    "attempt_token": "<redacted>",
    "fence": 7,
    "result": {"bytes": 7},
    "created_at_us": 1,
    "last_transition_at_us": -2,
    "expires_at_us": null
  })"));
}

TEST_CASE("an attempt as JSON: every member, but not the token", "[json_records]") {
  const json expected = json::parse(R"({
    "key": {"tenant": "t", "operation": "o", "client_key": "k"},
    "fingerprint": "f",
    "attempt_token": "<redacted>",
    "fence": 7,
    "started_at_us": 1,
    "lease_end_us": 2
  })");
  CHECK(json(attempt()) == expected);
  Attempt forever = attempt();
  forever.lease_end.reset();
  CHECK(json(forever).at("lease_end_us") == nullptr);
}

TEST_CASE("a key as JSON", "[json_records]") {
  CHECK(json(record().key).dump() == R"({"client_key":"k","operation":"o","tenant":"t"})");
}

TEST_CASE("of a result only its state and its size are told", "[json_records]") {
  IdempotencyRecord r = record();
  r.result.reset();
  CHECK(json(r).at("result") == nullptr);
  r.result = ResultEnvelope::omitted();
  CHECK(json(r).at("result") == json{{"omitted", true}});
  r.result = ResultEnvelope{std::string(ResultEnvelope::max_bytes, '\xFF')};  // not UTF-8
  CHECK(json(r).at("result") == json{{"bytes", 65536}});
  CHECK_NOTHROW(json(r).dump());
}

TEST_CASE("numbers keep their sign and their last digit", "[json_records]") {
  IdempotencyRecord r = record();
  r.fence = std::numeric_limits<std::uint64_t>::max();
  r.created_at = Timestamp::min();
  r.last_transition_at = Timestamp::max();
  r.expires_at = Timestamp::max();
  const json out = json::parse(json(r).dump());
  CHECK(out.at("fence").dump() == "18446744073709551615");
  CHECK(out.at("created_at_us").dump() == "-9223372036854775808");
  CHECK(out.at("last_transition_at_us").dump() == "9223372036854775807");
  CHECK(out.at("expires_at_us").dump() == "9223372036854775807");
}

TEST_CASE("every status has its name, one that does not exist too", "[json_records]") {
  IdempotencyRecord r = record();
  for (const RecordStatus status : {RecordStatus::pending, RecordStatus::completed,
                                    RecordStatus::failed, RecordStatus::expired}) {
    r.status = status;
    CHECK(json(r).at("status") == to_string(status));
  }
  r.status = static_cast<RecordStatus>(99);
  CHECK(json(r).at("status") == "unknown");
}

TEST_CASE("whatever the texts, the JSON can be written, and read back", "[json_records]") {
  using namespace std::string_literals;
  for (const std::string& text : {"\"\\/\0x"s, "\x01\x1F\x7Fx"s, "\u00E9\u20AC\U0001F600"s,
                                  "a\tb\nc"s, "},\"attempt_token\":\"x"s, std::string(128, 'x')}) {
    IdempotencyRecord r = record();
    r.key = {TenantId{text}, OperationRef{text}, ClientKey{text}};
    r.fingerprint = RequestFingerprint{text};
    r.attempt_token = AttemptToken{text};
    const json out = json::parse(json(r).dump());
    CHECK(out.at("key").at("tenant") == text);
    CHECK(out.at("key").at("operation") == text);
    CHECK(out.at("key").at("client_key") == text);
    CHECK(out.at("fingerprint") == text);
    CHECK(out.at("attempt_token") == "<redacted>");
    CHECK(out.size() == 9);

    Attempt a = attempt();
    a.key = r.key;
    CHECK(json::parse(json(a).dump()).at("key") == out.at("key"));
  }
}

TEST_CASE("no secret is anywhere in the text, however deep it is embedded", "[json_records]") {
  const json log{{"record", record()}, {"attempts", {attempt(), attempt()}}};
  const std::string text = log.dump(2);
  CHECK(text.find("T0KEN") == std::string::npos);
  CHECK(text.find("PAYL0AD") == std::string::npos);
  CHECK(text.find("<redacted>") != std::string::npos);
}

}  // namespace
}  // namespace nexus::idempotency::test
