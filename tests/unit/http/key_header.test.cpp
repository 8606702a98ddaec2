// SPDX-License-Identifier: MIT
#include "nexus/idempotency/http/key_header.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

using namespace std::string_literals;

// Returns: the key in angle brackets, or the name of the fault.
std::string read(const std::variant<ClientKey, KeyHeaderFault>& parsed) {
  if (const auto* fault = std::get_if<KeyHeaderFault>(&parsed)) {
    return std::string(to_string(*fault));
  }
  return "<" + std::string(std::get<ClientKey>(parsed).value()) + ">";
}

struct Case {
  std::string value;
  std::string expected;        // with bare keys allowed
  std::string without_bare{};  // if that makes a difference
};

TEST_CASE("the value of Idempotency-Key", "[http]") {
  const std::vector<Case> cases{
      // strings of structured fields
      {R"("8e03978e-40d5-43dd-bc93-6894a57f9324")", "<8e03978e-40d5-43dd-bc93-6894a57f9324>"},
      {R"("a")", "<a>"},
      {R"(  "a"	 )", "<a>"},
      {R"("a b")", "<a b>"},
      {R"("a,b;c=d")", "<a,b;c=d>"},
      {R"("a\"b\\c")", R"(<a"b\c>)"},
      {R"("\\")", R"(<\>)"},
      {R"k("~!@#$%^&*()")k", "<~!@#$%^&*()>"},
      // bare keys
      {"8e03978e-40d5-43dd-bc93-6894a57f9324", "<8e03978e-40d5-43dd-bc93-6894a57f9324>", "bare"},
      {"  a\t", "<a>", "bare"},
      {"a=b", "<a=b>", "bare"},
      {R"(a\b)", R"(<a\b>)", "bare"},
      {":YWJj:", "<:YWJj:>", "bare"},
      {"?1", "<?1>", "bare"},
      {"42", "<42>", "bare"},
      // several
      {"a, b", "several"},
      {"a,b", "several"},
      {R"("a", "b")", "several"},
      {R"("a" ,"b")", "several"},
      {R"(a, "b")", "several"},
      {",", "several"},
      // parameters
      {R"("a";b=1)", "parameters"},
      {R"("a"; b)", "parameters"},
      {R"("a" ;b)", "parameters"},
      {R"("a";)", "parameters"},
      {"a;b=1", "parameters"},
      {";", "parameters"},
      // empty
      {"", "empty"},
      {" ", "empty"},
      {"\t \t", "empty"},
      {R"("")", "empty"},
      {R"( "" )", "empty"},
      // not ASCII, and control characters
      {"\"k\u00E9y\"", "not_ascii"},
      {"k\u00E9y", "not_ascii"},
      {"\"k\xFFy\"", "not_ascii"},
      {"k\x7Fy", "not_ascii"},
      {"\"k\ty\"", "not_ascii"},
      {"k\0y"s, "not_ascii"},
      {"\"k\r\nX: y\"", "not_ascii"},
      // padded: " a" and "a" must not be one key
      {R"(" a")", "padded"},
      {R"("a ")", "padded"},
      {R"("  ")", "padded"},
      // malformed
      {R"("a)", "malformed"},
      {R"(")", "malformed"},
      {R"("a\)", "malformed"},
      {R"("a\")", "malformed"},
      {R"("a\b")", "malformed"},
      {R"("a"b)", "malformed"},
      {R"("a" "b")", "malformed"},
      {R"("a""b")", "malformed"},
      {R"(a"b)", "malformed", "bare"},
      {R"(a")", "malformed", "bare"},
      {"a b", "malformed", "bare"},
  };
  KeyHeaderOptions strict;
  strict.allow_bare = false;
  for (const auto& [value, expected, without_bare] : cases) {
    CAPTURE(value);
    CHECK(read(parse_key(value)) == expected);
    CHECK(read(parse_key(value, strict)) == (without_bare.empty() ? expected : without_bare));
    CHECK(read(find_key({{"X", "y"}, {"idempotency-KEY", value}})) == expected);
  }
}

TEST_CASE("a key is as long as the option says, without quotes and escapes", "[http]") {
  const std::string longest(ClientKey::max_length, 'x');
  CHECK(read(parse_key(longest)) == "<" + longest + ">");
  CHECK(read(parse_key("\"" + longest + "\"")) == "<" + longest + ">");
  CHECK(read(parse_key(longest + "x")) == "too_long");
  CHECK(read(parse_key("\"" + longest + "x\"")) == "too_long");
  CHECK(read(parse_key(std::string(1 << 20, 'x'))) == "too_long");

  KeyHeaderOptions options;
  options.max_length = 3;
  CHECK(read(parse_key("abc", options)) == "<abc>");
  CHECK(read(parse_key(R"("\"\"\"")", options)) == R"(<""">)");
  CHECK(read(parse_key("abcd", options)) == "too_long");
  options.max_length = 1000;  // no key of the library's is so long
  CHECK(read(parse_key(longest + "x", options)) == "too_long");
}

TEST_CASE("there is one field with the key", "[http]") {
  CHECK(read(find_key({})) == "missing");
  CHECK(read(find_key({{"Idempotency", "a"}, {"X-Idempotency-Key", "a"}})) == "missing");
  CHECK(read(find_key({{"Idempotency-Key", "a"}})) == "<a>");
  CHECK(read(find_key({{"Idempotency-Key", "a"}, {"Idempotency-Key", "b"}})) == "several");
  CHECK(read(find_key({{"Idempotency-Key", "a"}, {"IDEMPOTENCY-KEY", "a"}})) == "several");
  CHECK(read(find_key({{"Idempotency-Key", ""}, {"Idempotency-Key", "a"}})) == "several");
  KeyHeaderOptions options;
  options.name = "X-Request-Id";
  CHECK(read(find_key({{"Idempotency-Key", "a"}, {"x-request-id", "b"}}, options)) == "<b>");
}

TEST_CASE("what a client sends is read back", "[http]") {
  KeyHeaderOptions strict;
  strict.allow_bare = false;
  for (const std::string key : {"a", "a b", R"(")", R"(\)", R"(\"\)", "a,b;c", "~"}) {
    CAPTURE(key);
    CHECK(read(parse_key(key_header_value(ClientKey(key)), strict)) == "<" + key + ">");
  }
  CHECK(key_header_value(ClientKey("8e03")) == "\"8e03\"");
  CHECK_THROWS_AS(key_header_value(ClientKey("k\u00E9y")), InvalidValueError);
  CHECK_THROWS_AS(key_header_value(ClientKey("a\nb")), InvalidValueError);
}

TEST_CASE("every fault has a name of its own", "[http]") {
  std::set<std::string_view> names;
  for (const KeyHeaderFault fault :
       {KeyHeaderFault::missing, KeyHeaderFault::several, KeyHeaderFault::empty,
        KeyHeaderFault::too_long, KeyHeaderFault::not_ascii, KeyHeaderFault::parameters,
        KeyHeaderFault::padded, KeyHeaderFault::bare, KeyHeaderFault::malformed}) {
    CHECK(to_string(fault) != "unknown");
    names.insert(to_string(fault));
  }
  CHECK(names.size() == 9);
}

}  // namespace
}  // namespace nexus::idempotency::test
