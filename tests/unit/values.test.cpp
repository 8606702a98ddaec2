// SPDX-License-Identifier: MIT
#include "nexus/idempotency/values.hpp"

#include <array>
#include <compare>
#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <ostream>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <utility>

#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

static_assert(TenantId::max_length == 128);
static_assert(OperationRef::max_length == 128);
static_assert(ClientKey::max_length == 256);
static_assert(RequestFingerprint::max_length == 512);
static_assert(AttemptToken::max_length == 128);

template <class A, class B>
concept comparable = requires(const A& a, const B& b) {
  a == b;
}
|| requires(const A& a, const B& b) {
  a < b;
};
static_assert(comparable<TenantId, TenantId>);

template <class A, class B>
constexpr bool unrelated =
    !std::is_constructible_v<A, B> && !std::is_assignable_v<A&, B> && !comparable<A, B>;

template <class Value, class... Others>
constexpr bool unrelated_to_others = ((std::is_same_v<Value, Others> ||
                                       (unrelated<Value, Others> && unrelated<Others, Value>)) &&
                                      ...);

template <class Value>
constexpr bool a_type_of_its_own =
    unrelated_to_others<Value, TenantId, OperationRef, ClientKey, RequestFingerprint, AttemptToken>;

static_assert(a_type_of_its_own<TenantId> && a_type_of_its_own<OperationRef> &&
              a_type_of_its_own<ClientKey> && a_type_of_its_own<RequestFingerprint> &&
              a_type_of_its_own<AttemptToken>);

#define ALL_VALUES TenantId, OperationRef, ClientKey, RequestFingerprint, AttemptToken

constexpr std::string_view blanks = " \t\n\r\0\x0B"sv;

// The rules again, said differently.
std::optional<std::string> trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string::npos) return std::nullopt;
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// Requires that the constructor and parse() agree. Returns: the accepted bytes, if they were.
template <class Value>
std::optional<std::string> accepted(const std::string& text) {
  const std::optional<Value> parsed = Value::parse(text);
  try {
    const Value constructed{text};
    REQUIRE(parsed);
    REQUIRE(constructed == *parsed);
    REQUIRE(constructed.value() == parsed->value());
    return std::string(constructed.value());
  } catch (const InvalidValueError&) {
    REQUIRE_FALSE(parsed);
    return std::nullopt;
  }
}

TEMPLATE_TEST_CASE("what the types of values can and can't do", "[values]", ALL_VALUES) {
  STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<TestType>);
  STATIC_REQUIRE(std::is_nothrow_copy_assignable_v<TestType>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<TestType>);
  STATIC_REQUIRE(std::is_nothrow_move_assignable_v<TestType>);
  STATIC_REQUIRE(std::is_nothrow_destructible_v<TestType>);
  STATIC_REQUIRE_FALSE(std::is_default_constructible_v<TestType>);
  STATIC_REQUIRE_FALSE(std::is_polymorphic_v<TestType>);
  STATIC_REQUIRE(std::is_constructible_v<TestType, std::string_view>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<std::string_view, TestType>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<std::string, TestType>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<const char*, TestType>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<TestType, std::string_view>);
  STATIC_REQUIRE(std::three_way_comparable<TestType, std::strong_ordering>);
}

TEMPLATE_TEST_CASE("a value is trimmed of six bytes, at both ends only", "[values]", ALL_VALUES) {
  for (int code = 0; code < 256; ++code) {
    const std::string byte(1, static_cast<char>(code));
    CAPTURE(code);
    if (blanks.find(byte) != std::string_view::npos) {
      REQUIRE(accepted<TestType>(byte) == std::nullopt);
      REQUIRE(accepted<TestType>(byte + "a" + byte) == "a");
      REQUIRE(accepted<TestType>("a" + byte + "b") == "a" + byte + "b");
      REQUIRE(accepted<TestType>(byte + byte + "a" + byte + "b" + byte + byte) == "a" + byte + "b");
    } else if (code < 0x80) {  // what other programs trim too (\f), or don't trim, stays
      REQUIRE(accepted<TestType>(byte) == byte);
      REQUIRE(accepted<TestType>(byte + "a" + byte) == byte + "a" + byte);
    }
  }
  CHECK(accepted<TestType>(std::string(blanks) + "a b" + std::string(blanks)) == "a b");
  CHECK(accepted<TestType>("\u00A0a\u3000") == "\u00A0a\u3000");  // blanks of Unicode stay
  CHECK(accepted<TestType>("") == std::nullopt);
  CHECK(accepted<TestType>(std::string(1000, ' ')) == std::nullopt);
}

TEMPLATE_TEST_CASE("the limit is in bytes, after trimming", "[values]", ALL_VALUES) {
  const std::string longest(TestType::max_length, 'x');
  CHECK(accepted<TestType>(longest) == longest);
  CHECK(accepted<TestType>(" \n" + longest + "\0"s) == longest);
  CHECK(accepted<TestType>(longest + "x") == std::nullopt);
  CHECK(accepted<TestType>(" " + longest + "x ") == std::nullopt);
  // 2 bytes a character
  std::string umlauts;
  while (umlauts.size() < TestType::max_length) umlauts += "\u00E4";
  CHECK(accepted<TestType>(umlauts) == umlauts);
  CHECK(accepted<TestType>(umlauts + "\u00E4") == std::nullopt);
}

// detail/utf8.test.cpp holds is_utf8 to the Unicode standard.
TEMPLATE_TEST_CASE("values are valid UTF-8", "[values]", ALL_VALUES) {
  std::string text(2, '\0');
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      text[0] = static_cast<char>(first);
      text[1] = static_cast<char>(second);
      const std::optional<std::string> kept = trimmed(text);
      const bool valid = kept && detail::is_utf8(*kept);
      CAPTURE(first, second);
      REQUIRE(accepted<TestType>(text) == (valid ? kept : std::nullopt));
    }
  }
  for (const char* bad : {"\xED\xA0\x80", "\xC0\xAF", "\xF4\x90\x80\x80", "\xE2\x82", "a\xFF"}) {
    CAPTURE(bad);
    CHECK(accepted<TestType>(bad) == std::nullopt);
    CHECK(accepted<TestType>("a long text of plain ASCII, and then "s + bad) == std::nullopt);
    CHECK(accepted<TestType>(bad + " then a long text of plain ASCII"s) == std::nullopt);
  }
  for (const char* good : {"\u00E9", "\u20AC", "\U0001F600", "e\u0301"}) {
    CHECK(accepted<TestType>(good) == good);
  }
}

TEMPLATE_TEST_CASE("random texts keep to the rules", "[values]", ALL_VALUES) {
  std::mt19937 random(20240229);
  const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::array<std::string, 8> pieces{"a",  " ",          "\0"s,  "\x0B",
                                          "\n", "\U0001F600", "\x80", "0123456789abcdef"};
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (std::size_t n = pick(2 * TestType::max_length / 5); n > 0; --n) {
      text += pieces[pick(round % 4 == 0 ? 8 : 6)];
    }
    const std::optional<std::string> kept = trimmed(text);
    const bool valid = kept && kept->size() <= TestType::max_length && detail::is_utf8(*kept);
    REQUIRE(accepted<TestType>(text) == (valid ? kept : std::nullopt));
  }
}

TEMPLATE_TEST_CASE("values are equal, and ordered, by their bytes", "[values]", ALL_VALUES) {
  const std::array<std::string, 10> ascending{"A",
                                              "B",
                                              "Ba",
                                              "a",
                                              "a" + std::string(80, 'x'),
                                              "a" + std::string(80, 'x') + "y",
                                              "b\0b"s,
                                              "b\0c"s,
                                              "\x7F",
                                              "\u00E4"};  // bytes over 0x7F are the greatest
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    for (std::size_t j = 0; j < ascending.size(); ++j) {
      const TestType a{ascending[i]};
      const TestType b{ascending[j]};
      CAPTURE(i, j);
      REQUIRE((a == b) == (i == j));
      REQUIRE((a != b) == (i != j));
      REQUIRE((a <=> b) == (i <=> j));
      REQUIRE((a < b) == (i < j));
    }
  }
  CHECK(TestType{"\u00E9"} != TestType{"e\u0301"});  // nothing is normalised
}

TEMPLATE_TEST_CASE("equal values have equal hashes", "[values]", ALL_VALUES) {
  const std::hash<TestType> hash;
  const std::string text(100, 'x');
  CHECK(hash(TestType{text}) == hash(TestType{" " + text}));
  std::unordered_set<TestType> set;
  for (int i = 0; i < 100; ++i) set.insert(TestType{std::to_string(i)});
  CHECK(set.size() == 100);
  CHECK(set.contains(TestType{"42"}));
  CHECK_FALSE(set.contains(TestType{"100"}));
  std::unordered_set<std::size_t> hashes;
  for (int i = 0; i < 100; ++i) hashes.insert(hash(TestType{std::to_string(i)}));
  CHECK(hashes.size() > 90);
}

TEMPLATE_TEST_CASE("copies and moved-from values keep their bytes", "[values]", ALL_VALUES) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{39}, std::size_t{40}, std::size_t{71},
                                 std::size_t{72}, TestType::max_length}) {
    const std::string text(size < TestType::max_length ? size : TestType::max_length, 'v');
    CAPTURE(text.size());
    std::optional<TestType> original(std::in_place, text);
    TestType copy = *original;
    TestType moved = std::move(*original);
    REQUIRE(original->value() == text);
    REQUIRE(moved.value() == text);
    TestType assigned{"short"};
    assigned = copy;
    TestType other{std::string(TestType::max_length, 'w')};
    other = std::move(copy);
    REQUIRE(copy.value() == text);  // NOLINT(bugprone-use-after-move)
    TestType alone{text};
    TestType& same = alone;
    alone = same;
    alone = std::move(same);
    REQUIRE(alone.value() == text);
    original.reset();
    other = TestType{"short"};
    REQUIRE(assigned.value() == text);
    REQUIRE(moved.value() == text);
    std::swap(moved, other);
    REQUIRE(moved.value() == "short");
    REQUIRE(other.value() == text);
  }
}

TEMPLATE_TEST_CASE("copies of a long value share its bytes", "[values]", ALL_VALUES) {
  const TestType original{std::string(TestType::max_length, 'v')};
  const TestType copy = original;  // NOLINT(performance-unnecessary-copy-initialization)
  CHECK(copy.value().data() == original.value().data());
}

template <class Value>
std::string printed(const Value& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

TEST_CASE("values are printed as they are, but never a token", "[values]") {
  CHECK(printed(TenantId{" tenant "}) == "tenant");
  CHECK(printed(OperationRef{"operation"}) == "operation");
  CHECK(printed(ClientKey{"key"}) == "key");
  CHECK(printed(RequestFingerprint{"fingerprint"}) == "fingerprint");
  const AttemptToken token{"secret"};
  CHECK(printed(token) == "<redacted>");
  CHECK(Catch::Detail::stringify(token).find("secret") == std::string::npos);
}

TEMPLATE_TEST_CASE("what() names the type and the rule, not the text", "[values]", ALL_VALUES) {
  const auto what = [](const std::string& text) -> std::string {
    try {
      const TestType value{text};
    } catch (const InvalidValueError& error) {
      return error.what();
    }
    return "accepted";
  };
  const std::string type(TestType::type_name);
  CHECK(what("") == type + " must not be empty");
  CHECK(what(std::string(TestType::max_length + 1, 'S')) == type + " is too long");
  CHECK(what("S3CRET\xFF") == type + " must be valid UTF-8");
}

TEST_CASE("each type has its name", "[values]") {
  CHECK(TenantId::type_name == "TenantId");
  CHECK(OperationRef::type_name == "OperationRef");
  CHECK(ClientKey::type_name == "ClientKey");
  CHECK(RequestFingerprint::type_name == "RequestFingerprint");
  CHECK(AttemptToken::type_name == "AttemptToken");
}

}  // namespace
}  // namespace nexus::idempotency::test
