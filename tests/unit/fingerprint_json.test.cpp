// SPDX-License-Identifier: MIT
// canonical_json against the vectors of RFC 8785, and by its properties.
#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/idempotency/fingerprint.hpp"
#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

using namespace std::string_literals;

// Returns: the canonical form, or "fault: …".
std::string canonical(std::string_view text, JsonNumbers numbers = JsonNumbers::exact,
                      std::size_t max_depth = 64) {
  const std::variant<std::string, JsonFault> form = canonical_json(text, numbers, max_depth);
  if (const auto* fault = std::get_if<JsonFault>(&form)) {
    return "fault: " + std::string(to_string(*fault));
  }
  return std::get<std::string>(form);
}

std::string jcs(std::string_view text) {
  return canonical(text, JsonNumbers::binary64);
}

struct Vector {
  std::string input;
  std::string output;
};

// Sections 3.2.2 and 3.2.3 of RFC 8785, and the files of the authors' test data.
const std::vector<Vector>& reference_vectors() {
  static const std::vector<Vector> vectors{
      {R"({
  "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
  "literals": [null, true, false]
})",
       "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
       "\"string\":\"\u20AC$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"},
      {R"({
  "\u20ac": "Euro Sign",
  "\r": "Carriage Return",
  "\ufb33": "Hebrew Letter Dalet With Dagesh",
  "1": "One",
  "\ud83d\ude00": "Emoji: Grinning Face",
  "\u0080": "Control",
  "\u00f6": "Latin Small Letter O With Diaeresis"
})",
       "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xC2\x80\":\"Control\","
       "\"\u00F6\":\"Latin Small Letter O With Diaeresis\",\"\u20AC\":\"Euro Sign\","
       "\"\U0001F600\":\"Emoji: Grinning Face\",\"\uFB33\":\"Hebrew Letter Dalet With Dagesh\"}"},
      {R"([56, {"d": true, "10": null, "1": [ ]}])", R"([56,{"1":[],"10":null,"d":true}])"},
      {"{\"peach\": \"This sorting order\", \"p\u00E9ch\u00E9\": \"is wrong according to French\","
       " \"p\u00EAche\": \"but canonicalization MUST\", \"sin\": \"ignore locale\"}",
       "{\"peach\":\"This sorting order\",\"p\u00E9ch\u00E9\":\"is wrong according to French\","
       "\"p\u00EAche\":\"but canonicalization MUST\",\"sin\":\"ignore locale\"}"},
      {R"({"1": {"f": {"f": "hi","F": 5} ,"\n": 56.0}, "10": { }, "": "empty", "a": { },
          "111": [ {"e": "yes","E": "no" } ], "A": { }})",
       R"({"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],)"
       R"("A":{},"a":{}})"},
      {R"({"Unnormalized Unicode":"A\u030a"})", "{\"Unnormalized Unicode\":\"A\u030A\"}"},
      {R"({"\ud83d\ude02": "Smiley", "</script>": "Browser", "\u0080": "Control\u007f"})",
       "{\"</script>\":\"Browser\",\"\xC2\x80\":\"Control\x7F\",\"\U0001F602\":\"Smiley\"}"},
  };
  return vectors;
}

TEST_CASE("canonical JSON: the reference vectors", "[fingerprint]") {
  for (const auto& [input, output] : reference_vectors()) {
    CAPTURE(input);
    CHECK(jcs(input) == output);
    CHECK(jcs(output) == output);
    // Numbers that are no shortest form of a double are the one difference between the two.
    if (input.find("333333333.33333329") == std::string::npos) CHECK(canonical(input) == output);
  }
}

// Appendix B of RFC 8785.
constexpr std::array<std::pair<std::uint64_t, std::string_view>, 24> appendix_b{{
    {0x0000000000000000, "0"},
    {0x8000000000000000, "0"},
    {0x0000000000000001, "5e-324"},
    {0x8000000000000001, "-5e-324"},
    {0x7fefffffffffffff, "1.7976931348623157e+308"},
    {0xffefffffffffffff, "-1.7976931348623157e+308"},
    {0x4340000000000000, "9007199254740992"},
    {0xc340000000000000, "-9007199254740992"},
    {0x4430000000000000, "295147905179352830000"},
    {0x44b52d02c7e14af5, "9.999999999999997e+22"},
    {0x44b52d02c7e14af6, "1e+23"},
    {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
    {0x444b1ae4d6e2ef4e, "999999999999999700000"},
    {0x444b1ae4d6e2ef4f, "999999999999999900000"},
    {0x444b1ae4d6e2ef50, "1e+21"},
    {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
    {0x3eb0c6f7a0b5ed8d, "0.000001"},
    {0x41b3de4355555553, "333333333.3333332"},
    {0x41b3de4355555554, "333333333.33333325"},
    {0x41b3de4355555555, "333333333.3333333"},
    {0x41b3de4355555556, "333333333.3333334"},
    {0x41b3de4355555557, "333333333.33333343"},
    {0xbecbf647612f3696, "-0.0000033333333333333333"},
    {0x43143ff3c1cb0959, "1424953923781206.2"},
}};

std::string respelled(double value, std::chars_format format, int precision) {
  std::array<char, 400> text{};
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), value, format, precision);
  REQUIRE(error == std::errc{});
  return {text.data(), end};
}

TEST_CASE("canonical JSON: the numbers of appendix B", "[fingerprint]") {
  for (const auto& [bits, expected] : appendix_b) {
    const auto value = std::bit_cast<double>(bits);
    CAPTURE(expected);
    CHECK(jcs(respelled(value, std::chars_format::scientific, 16)) == expected);
    CHECK(jcs(respelled(value, std::chars_format::scientific, 30)) == expected);
    CHECK(jcs(expected) == expected);
    CHECK(canonical(expected) == expected);
  }
}

TEST_CASE("canonical JSON: a double's shortest form is its form with exact numbers too",
          "[fingerprint]") {
  std::mt19937_64 random(20240301);
  for (int round = 0; round < 20'000; ++round) {
    const auto value = std::bit_cast<double>(random());
    if (!(value - value == 0)) continue;  // NaN or infinite
    std::array<char, 40> text{};
    const auto [end, error] =
        std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific);
    REQUIRE(error == std::errc{});
    const std::string_view shortest(text.data(), static_cast<std::size_t>(end - text.data()));
    const std::string form = canonical(shortest);
    CAPTURE(shortest, form);
    REQUIRE(form == jcs(shortest));
    double back = 0;
    std::from_chars(form.data(), form.data() + form.size(), back);
    REQUIRE(std::bit_cast<std::uint64_t>(back) == std::bit_cast<std::uint64_t>(value));
  }
}

TEST_CASE("canonical JSON: how a number is written does not matter", "[fingerprint]") {
  const std::vector<std::vector<std::string>> same{
      {"1", "1.0", "1e0", "1E+0", "10e-1", "0.1e1", "0.00001E5", "1.000000000000000000000000"},
      {"-1", "-1.0", "-1e0", "-0.1E1", "-1000e-3"},
      {"0", "0.0", "0e5", "0e999999999999999999999999", "0.000e-7"},
      {"-0", "-0.0", "-0e5"},
      {"4.5", "4.50", "45e-1", "0.45E1"},
      {"18446744073709551616", "18446744073709551616.0", "1.8446744073709551616e19"},
      {"1e+21", "1000000000000000000000", "1e21"},
      {"100000000000000000000", "1e20", "1.0e+20"},
      {"1e-7", "0.0000001", "0.1e-6"},
      {"0.000001", "1e-6", "1.0E-06"},
      {"1.5e+300", "15e299", "0.15e301"},
      {"123.456", "123456e-3", "1.23456e2", "123.456000"},
  };
  for (const std::vector<std::string>& spellings : same) {
    for (const std::string& spelling : spellings) {
      CAPTURE(spelling);
      CHECK(canonical(spelling) == spellings.front());
      CHECK(canonical("[ " + spelling + " ]") == "[" + spellings.front() + "]");
    }
  }
}

TEST_CASE("canonical JSON: different values never have one form", "[fingerprint]") {
  const std::vector<std::string> different{
      "{}", "[]", "null", "true", "false", R"("")", "0", "-0", R"("0")", R"("null")", "[null]",
      "[[]]", "[{}]", R"({"":null})", R"({"0":1})", "[1]", "[1,1]", "[11]", R"(["1"])", "[[1],1]",
      "[1,[1]]", R"({"a":1})", R"({"a":"1"})", R"({"a":1,"b":2})", R"({"a":2,"b":1})",
      R"({"a":{"b":2}})", R"({"a":[]})", R"({"a":{}})", R"({"a":null})", "{\"\u00E9\":1}",
      "{\"e\u0301\":1}", R"("a")", R"("A")", R"("\u0000")", R"("\\u0000")", R"("a,b")",
      R"(["a","b"])", R"(["a,b"])", R"(["a\",\"b"])",
      // integers that a double can't hold
      "9007199254740992", "9007199254740993", "9223372036854775807", "9223372036854775808",
      "18446744073709551615", "18446744073709551616", "18446744073709551617",
      "-9223372036854775808", "-9223372036854775809", "12345678901234567890",
      "12345678901234567891", "123456789012345678901234567890", "123456789012345678901234567891",
      // fractions that round to the same double, and to zero
      "0.1", "0.10000000000000001", "0.1000000000000000055511151231257827", "1e-400", "1e-401",
      "-1e-400", "333333333.33333329", "333333333.3333333"};
  std::vector<std::string> forms;
  for (const std::string& text : different) forms.push_back(canonical(text));
  for (std::size_t i = 0; i < forms.size(); ++i) {
    CAPTURE(different[i], forms[i]);
    REQUIRE(forms[i].substr(0, 5) != "fault");
    REQUIRE(std::count(forms.begin(), forms.end(), forms[i]) == 1);
    REQUIRE(canonical(forms[i]) == forms[i]);
  }
  // What RFC 8785 itself makes of some.
  CHECK(jcs("18446744073709551616") == jcs("18446744073709551617"));
  CHECK(jcs("-0") == "0");
  CHECK(jcs("1e-400") == "0");
  CHECK(canonical("10e-1000000000000000") == "1e-999999999999999");
}

TEST_CASE("canonical JSON: what has no form, and why", "[fingerprint]") {
  const std::vector<std::pair<std::string, JsonFault>> faults{
      {"", JsonFault::syntax},
      {" ", JsonFault::syntax},
      {"{", JsonFault::syntax},
      {"[1,]", JsonFault::syntax},
      {R"({"a":1,})", JsonFault::syntax},
      {"{a:1}", JsonFault::syntax},
      {"'a'", JsonFault::syntax},
      {"01", JsonFault::syntax},
      {"+1", JsonFault::syntax},
      {"1.", JsonFault::syntax},
      {".5", JsonFault::syntax},
      {"0x1p-2", JsonFault::syntax},
      {"NaN", JsonFault::syntax},
      {"Infinity", JsonFault::syntax},
      {"{} {}", JsonFault::syntax},
      {"{}x", JsonFault::syntax},
      {"// c\n{}", JsonFault::syntax},
      {"{}\0"s, JsonFault::syntax},  // a parser of C strings would take it for the end
      {"{}\0{\"a\":1}"s, JsonFault::syntax},
      {"\"\0\""s, JsonFault::syntax},
      {"\xEF\xBB\xBF{}", JsonFault::syntax},
      {"\"\n\"", JsonFault::syntax},
      {"\"\xFF\"", JsonFault::syntax},
      {"\"\xC0\xAF\"", JsonFault::syntax},
      {"\"\xED\xA0\x80\"", JsonFault::syntax},
      {"{\"\xFF\":1}", JsonFault::syntax},
      {R"("\ud800")", JsonFault::syntax},
      {R"("\udc00")", JsonFault::syntax},
      {R"("\ud800\ud800")", JsonFault::syntax},
      {R"("\ud800x")", JsonFault::syntax},
      {R"("\udead")", JsonFault::syntax},
      {R"("\x41")", JsonFault::syntax},
      {R"({"a":1,"a":1})", JsonFault::duplicate_member},
      {R"({"a":1,"b":2,"a":3})", JsonFault::duplicate_member},
      {R"({"a":1,"\u0061":2})", JsonFault::duplicate_member},
      {R"([{"x":{"":1,"":2}}])", JsonFault::duplicate_member},
      {"1e400", JsonFault::number_out_of_range},
      {"[-1e400]", JsonFault::number_out_of_range},
      {"1e-99999999999999999999", JsonFault::number_out_of_range},
      {"1e-1000000000000001", JsonFault::number_out_of_range},
      {"1" + std::string(400, '0'), JsonFault::number_out_of_range},
  };
  for (const auto& [text, fault] : faults) {
    CAPTURE(text);
    CHECK(canonical(text) == "fault: " + std::string(to_string(fault)));
  }
}

TEST_CASE("canonical JSON: depth is limited, in arrays and objects", "[fingerprint]") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  const auto objects = [](std::size_t depth) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) text += "{\"\":";
    return text + "1" + std::string(depth, '}');
  };
  CHECK(canonical(nested(64)) == nested(64));
  CHECK(canonical(nested(65)) == "fault: too_deep");
  CHECK(canonical(objects(64)) == objects(64));
  CHECK(canonical(objects(65)) == "fault: too_deep");
  CHECK(canonical("1", JsonNumbers::exact, 0) == "1");
  CHECK(canonical("[]", JsonNumbers::exact, 0) == "fault: too_deep");
  const std::size_t no_limit = std::numeric_limits<std::size_t>::max();
  CHECK(canonical(nested(json_depth_limit), JsonNumbers::exact, no_limit).size() == 2000);
  CHECK(canonical(nested(json_depth_limit + 1), JsonNumbers::exact, no_limit) == "fault: too_deep");
  CHECK(canonical(std::string(1 << 20, '[')) == "fault: too_deep");
}

TEST_CASE("canonical JSON: members are in the order of UTF-16 code units", "[fingerprint]") {
  // By code point, as bytes of UTF-8 are ordered, the last three would come otherwise.
  const std::vector<std::string> ascending{"",           "a",          "a\u0000"s, "aa",
                                           "\u007F",     "\u0080",     "\u07FF",   "\uD7FF",
                                           "\U00010000", "\U0010FFFF", "\uE000",   "\uFFFF"};
  for (std::size_t i = 0; i + 1 < ascending.size(); ++i) {
    for (std::size_t j = i + 1; j < ascending.size(); ++j) {
      const auto member = [](const std::string& name) {
        std::string text = "\"";
        for (const char c : name) text += c == '\0' ? "\\u0000"s : std::string(1, c);
        return text + "\":1";
      };
      const std::string first = member(ascending[i]);
      const std::string second = member(ascending[j]);
      CAPTURE(i, j);
      REQUIRE(canonical("{" + second + "," + first + "}") == "{" + first + "," + second + "}");
      REQUIRE(canonical("{" + first + "," + second + "}") == "{" + first + "," + second + "}");
    }
  }
}

TEST_CASE("canonical JSON: the faults have names", "[fingerprint]") {
  CHECK(to_string(JsonFault::syntax) == "syntax");
  CHECK(to_string(JsonFault::duplicate_member) == "duplicate_member");
  CHECK(to_string(JsonFault::too_deep) == "too_deep");
  CHECK(to_string(JsonFault::number_out_of_range) == "number_out_of_range");
}

}  // namespace
}  // namespace nexus::idempotency::test
