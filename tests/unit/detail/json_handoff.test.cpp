// SPDX-License-Identifier: MIT
#include "nexus/idempotency/detail/json_handoff.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/idempotency/json.hpp"
#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

using nlohmann::json;

constexpr std::uint64_t largest_fence = std::numeric_limits<std::int64_t>::max();

Attempt attempt() {
  return {.key = {TenantId{"t"}, OperationRef{"o"}, ClientKey{"k"}},
          .fingerprint = RequestFingerprint{"f"},
          .token = AttemptToken{"a"},
          .fence = 7,
          .started_at = Timestamp{Duration{1}},
          .lease_end = Timestamp{Duration{2}}};
}

// Requires that it is refused as an invalid value. Returns: the text of the error.
std::string refusal(const json& handoff) {
  try {
    static_cast<void>(attempt_from_handoff_json(handoff));
  } catch (const InvalidValueError& error) {
    return error.what();
  }
  FAIL("accepted: " << handoff.dump(-1, ' ', true, json::error_handler_t::replace));
  return {};
}

// Returns: whether it is accepted; and requires that it is then exactly what would be written.
bool accepted(const json& handoff) {
  try {
    const Attempt read = attempt_from_handoff_json(handoff);
    REQUIRE(to_handoff_json(read) == handoff);
    return true;
  } catch (const InvalidValueError&) {
    return false;
  }
}

json changed(const char* pointer, const json& value) {
  json handoff = to_handoff_json(attempt());
  handoff[json::json_pointer(pointer)] = value;
  return handoff;
}

constexpr const char* texts[] = {"/key/tenant", "/key/operation", "/key/client_key", "/fingerprint",
                                 "/attempt_token"};
constexpr const char* integers[] = {"/handoff_version", "/fence", "/started_at_us",
                                    "/lease_end_us"};

// Programs of different versions hand attempts to each other: this text must stay readable.
TEST_CASE("the handoff JSON is this", "[json_handoff]") {
  const std::string text =
      R"({"attempt_token":"a","fence":7,"fingerprint":"f","handoff_version":1,)"
      R"("key":{"client_key":"k","operation":"o","tenant":"t"},"lease_end_us":2,"started_at_us":1})";
  CHECK(to_handoff_json(attempt()).dump() == text);
  CHECK(attempt_from_handoff_json(json::parse(text)) == attempt());
}

TEST_CASE("attempts come back from the handoff JSON as they were", "[json_handoff]") {
  using namespace std::string_literals;
  std::vector<Attempt> attempts(9, attempt());
  attempts[1].fence = largest_fence;
  attempts[2].fence = 0;
  attempts[3].started_at = Timestamp::max();
  attempts[3].lease_end = Timestamp::min();
  attempts[4].started_at = Timestamp::min();
  attempts[4].lease_end = Timestamp::max();
  attempts[5].lease_end.reset();
  attempts[6].started_at = attempts[6].lease_end.emplace();
  attempts[7].key = {TenantId{std::string(128, '\x01')}, OperationRef{std::string(128, '"')},
                     ClientKey{std::string(256, '\x7F')}};
  attempts[7].fingerprint = RequestFingerprint{std::string(512, '\\')};
  attempts[7].token = AttemptToken{std::string(128, '/')};
  attempts[8].key = {TenantId{"a\0b"s}, OperationRef{"\u00E9\n\u20AC"}, ClientKey{"\U0001F600"}};
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    CAPTURE(i);
    const json handoff = to_handoff_json(attempts[i]);
    CHECK(attempt_from_handoff_json(handoff) == attempts[i]);
    CHECK(attempt_from_handoff_json(json::parse(handoff.dump())) == attempts[i]);
    CHECK(attempt_from_handoff_json(json::from_cbor(json::to_cbor(handoff))) == attempts[i]);
  }
}

TEST_CASE("the JSON for logs is not taken for a handoff", "[json_handoff]") {
  refusal(json(attempt()));
}

TEST_CASE("what is not an object of these members is refused", "[json_handoff]") {
  for (const char* text : {"null", "true", "0", "1.5", R"("x")", "[]", "{}", "[[]]",
                           "[1,2,3,4,5,6,7]", R"({"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7})"}) {
    CAPTURE(text);
    refusal(json::parse(text));
    refusal(changed("/key", json::parse(text)));
  }
  refusal(json(json::value_t::discarded));
  const json whole = to_handoff_json(attempt());
  refusal(json::array({whole}));
  refusal(json{{"attempt", whole}});
  refusal(changed("/key", whole));
}

TEST_CASE("a missing, a misspelt and an additional member are refused", "[json_handoff]") {
  const json whole = to_handoff_json(attempt());
  for (const char* object : {"", "/key"}) {
    const json::json_pointer parent(object);
    for (const auto& member : whole.at(parent).items()) {
      CAPTURE(member.key());
      json missing = whole;
      missing[parent].erase(member.key());
      CHECK_FALSE(accepted(missing));
      json misspelt = missing;
      misspelt[parent][member.key() + "_"] = member.value();
      CHECK_FALSE(accepted(misspelt));
    }
    json additional = whole;
    additional[parent]["more"] = nullptr;
    CHECK_FALSE(accepted(additional));
  }
}

TEST_CASE("a member of another type is refused", "[json_handoff]") {
  const std::vector<json> values{nullptr,
                                 true,
                                 1.5,
                                 json::array(),
                                 json::object(),
                                 json::array({1}),
                                 json::array({"x"}),
                                 json{{"x", 1}},
                                 json::binary({'x'}),
                                 json(json::value_t::discarded)};
  for (const json& value : values) {
    CAPTURE(value.type_name());
    for (const char* pointer : texts) {
      CHECK_FALSE(accepted(changed(pointer, value)));
      CHECK_FALSE(accepted(changed(pointer, 1)));
    }
    for (const char* pointer : integers) {
      const bool never_lapses = pointer == std::string_view("/lease_end_us") && value.is_null();
      CHECK(accepted(changed(pointer, value)) == never_lapses);
      CHECK_FALSE(accepted(changed(pointer, "1")));
      CHECK_FALSE(accepted(changed(pointer, 1.0)));
    }
  }
}

TEST_CASE("numbers out of range are refused", "[json_handoff]") {
  for (const char* pointer : integers) {
    CAPTURE(pointer);
    CHECK(accepted(changed(pointer, 1)));
    CHECK(accepted(changed(pointer, 1U)));
    CHECK_FALSE(accepted(changed(pointer, largest_fence + 1)));
    CHECK_FALSE(accepted(changed(pointer, std::numeric_limits<std::uint64_t>::max())));
    CHECK_FALSE(accepted(changed(pointer, json::parse("18446744073709551616"))));  // a double
    CHECK_FALSE(accepted(changed(pointer, json::parse("-9223372036854775809"))));
  }
  CHECK_FALSE(accepted(changed("/fence", -1)));
  CHECK_FALSE(accepted(changed("/fence", std::numeric_limits<std::int64_t>::min())));
  CHECK(accepted(changed("/fence", 0)));
  CHECK(accepted(changed("/started_at_us", -1)));
  for (const int version : {-1, 0, 2}) CHECK_FALSE(accepted(changed("/handoff_version", version)));
}

TEST_CASE("texts that are no such value, or would be trimmed, are refused", "[json_handoff]") {
  for (const char* pointer : texts) {
    CAPTURE(pointer);
    CHECK(accepted(changed(pointer, "x")));
    for (const std::string& bad :
         {std::string(), std::string(" "), std::string("x "), std::string("\nx"),
          std::string("x\0", 2), std::string("SECRET\xFF"), std::string(513, 'x')}) {
      CHECK_FALSE(accepted(changed(pointer, bad)));
    }
  }
  CHECK(accepted(changed("/key/tenant", std::string(128, 'x'))));
  CHECK_FALSE(accepted(changed("/key/tenant", std::string(129, 'x'))));
}

TEST_CASE("the text of a refusal names the member, and holds no value", "[json_handoff]") {
  CHECK(refusal(changed("/attempt_token", "SECRET\xFF")) ==
        "not the handoff JSON of an attempt: attempt_token");
  CHECK(refusal(changed("/key/client_key", std::string(257, 'S'))) ==
        "not the handoff JSON of an attempt: client_key");
  CHECK(refusal(changed("/fence", "SECRET")) == "not the handoff JSON of an attempt: fence");
  CHECK(refusal(json("SECRET")) == "not the handoff JSON of an attempt: an object");
  CHECK(refusal(changed("/handoff_version", 2)) ==
        "the handoff JSON of an attempt has a version that is not known");
}

TEST_CASE("damaged text is refused, or it is another handoff JSON", "[json_handoff]") {
  std::mt19937 random(20240229);
  const std::string whole = to_handoff_json(attempt()).dump();
  const std::string_view alphabet = "{}[]\":,0123456789-+.eE \\untrflsa\x01\xFF";
  int read = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = whole;
    for (std::size_t changes = 1 + random() % 3; changes > 0; --changes) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = alphabet[random() % alphabet.size()];
          break;
        case 1:
          text.erase(at, 1 + random() % 4);
          break;
        default:
          text.insert(at, 1, alphabet[random() % alphabet.size()]);
          break;
      }
    }
    const json parsed = json::parse(text, nullptr, false);
    if (accepted(parsed)) ++read;
  }
  CHECK(read > 0);
}

}  // namespace
}  // namespace nexus::idempotency::test
