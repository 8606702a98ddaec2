// SPDX-License-Identifier: MIT
#include "nexus/idempotency/key.hpp"

#include <array>
#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

static_assert(std::is_nothrow_copy_constructible_v<IdempotencyKey>);
static_assert(std::is_nothrow_copy_assignable_v<IdempotencyKey>);
static_assert(std::is_nothrow_move_constructible_v<IdempotencyKey>);
static_assert(std::is_nothrow_move_assignable_v<IdempotencyKey>);
static_assert(!std::is_default_constructible_v<IdempotencyKey>);
static_assert(!std::is_constructible_v<IdempotencyKey, TenantId, ClientKey, OperationRef>);
static_assert(sizeof(IdempotencyKey) == 224);  // what its comment says

IdempotencyKey key(std::string_view tenant, std::string_view operation, std::string_view client) {
  return {TenantId{tenant}, OperationRef{operation}, ClientKey{client}};
}

std::string reference(const IdempotencyKey& key) {
  return nlohmann::json::array(
             {key.tenant().value(), key.operation().value(), key.client_key().value()})
      .dump();
}

TEST_CASE("a key is made of its three parts", "[key]") {
  const IdempotencyKey k = key("t", "o", "k");
  CHECK(k.tenant() == TenantId{"t"});
  CHECK(k.operation() == OperationRef{"o"});
  CHECK(k.client_key() == ClientKey{"k"});
  CHECK(k.encoded() == R"(["t","o","k"])");
  const IdempotencyKey braced = {TenantId{"t"}, OperationRef{"o"}, ClientKey{"k"}};
  CHECK(braced == k);
}

TEST_CASE("the encoding is nlohmann's, for every byte at every place of a word", "[key]") {
  for (int code = 1; code < 0x80; ++code) {
    for (std::size_t before = 0; before <= 17; ++before) {
      // between letters, for blanks at the ends are trimmed
      const std::string text = "a" + std::string(before, 'x') + static_cast<char>(code) +
                               std::string(before % 9, 'z') + "b";
      const IdempotencyKey k = key(text, "o", text);
      CAPTURE(code, before);
      REQUIRE(k.encoded() == reference(k));
    }
  }
  using namespace std::string_literals;
  const IdempotencyKey with_nul = key("a\0b"s, "\x7F", "\u00E9\u20AC\U0001F600");
  CHECK(with_nul.encoded() == reference(with_nul));
  CHECK(with_nul.encoded() == "[\"a\\u0000b\",\"\x7F\",\"\u00E9\u20AC\U0001F600\"]");
}

// Makes texts that are valid, and hard on an encoder.
class Texts {
 public:
  template <class Value>
  Value make() {
    for (;;) {
      std::string text;
      const std::size_t length = 1 + pick(pick(4) == 0 ? Value::max_length : 26);
      while (text.size() < length) append(text);
      if (std::optional<Value> value = Value::parse(text)) return *value;
    }
  }

 private:
  std::size_t pick(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

  void append(std::string& text) {
    static const std::array<std::string, 10> hard{"\"",         "\\",     "\x7F",   "\u0080",
                                                  "\u07FF",     "\u0800", "\uFFFF", "\U00010000",
                                                  "\U0010FFFF", "\",\""};
    switch (pick(8)) {
      case 0:
        text += hard[pick(hard.size())];
        break;
      case 1:
        text += static_cast<char>(pick(0x20));
        break;
      case 2:
        text += static_cast<char>(pick(0x80));
        break;
      default:
        text += std::string(pick(12), 'x');
        break;
    }
  }

  std::mt19937 random_{20240229};
};

TEST_CASE("the encoding is nlohmann's, for random texts", "[key]") {
  Texts texts;
  for (int round = 0; round < 20'000; ++round) {
    const IdempotencyKey k(texts.make<TenantId>(), texts.make<OperationRef>(),
                           texts.make<ClientKey>());
    REQUIRE(k.encoded() == reference(k));
    const auto read = nlohmann::json::parse(k.encoded()).get<std::vector<std::string>>();
    REQUIRE(read.size() == 3);
    REQUIRE(key(read[0], read[1], read[2]) == k);
  }
}

TEST_CASE("the longest encoding has 3082 bytes", "[key]") {
  const std::string controls(256, '\x01');
  const IdempotencyKey k = key(controls.substr(0, 128), controls.substr(0, 128), controls);
  CHECK(k.encoded().size() == 3082);
  CHECK(k.encoded() == reference(k));
}

TEST_CASE("different keys have different encodings, wherever the borders are", "[key]") {
  const std::vector<IdempotencyKey> keys{
      key("a", "b", "c"),           key("ab", "c", "d"),      key("a", "bc", "d"),
      key("a", "b", "cd"),          key("A", "b", "c"),       key("a", "c", "b"),
      key("b", "a", "c"),           key("a\"", "b", "c"),     key("a", "\"b", "c"),
      key("a\",\"b", "c", "d"),     key("a", "b\",\"c", "d"), key("a", "b", "c\",\"d"),
      key("a\\\",\\\"b", "c", "d"), key("a\\", "b", "c"),     key("a", "\\b", "c"),
      key("a\\u0001", "b", "c"),    key("a\x01x", "b", "c"),  key("a\nx", "b", "c"),
      key("a\\nx", "b", "c"),       key("\u00E9", "b", "c"),  key("e\u0301", "b", "c"),
      key("]", "b", "c"),           key("[", "b", "c"),       key("a", "b]", "c")};
  std::unordered_set<std::string_view> encodings;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    encodings.insert(keys[i].encoded());
    for (std::size_t j = 0; j < keys.size(); ++j) {
      CAPTURE(i, j);
      REQUIRE((keys[i] == keys[j]) == (i == j));
    }
  }
  CHECK(encodings.size() == keys.size());
}

TEST_CASE("keys are equal, and hashed, by their parts", "[key]") {
  CHECK(key("t", "o", "k") == key(" t", "o ", "\nk"));
  CHECK(key("t", "o", "k") != key("t", "o", "K"));
  const std::hash<IdempotencyKey> hash;
  CHECK(hash(key("t", "o", "k")) == hash(key(" t", "o", "k")));
  CHECK(hash(key("t", "o", "k")) != hash(key("t", "o", "l")));
  std::unordered_set<IdempotencyKey> set{key("t", "o", "k"), key("t", "o", "l")};
  CHECK(set.contains(key("t", "o", "l")));
  CHECK_FALSE(set.contains(key("t", "o", "m")));
}

TEST_CASE("copies of a long key share its texts and outlive the original", "[key]") {
  const std::string long_text(128, 'x');
  std::optional<IdempotencyKey> original(key(long_text, "o", "k"));
  const char* bytes = original->encoded().data();
  IdempotencyKey copy = *original;
  IdempotencyKey assigned = key("t", "o", "k");
  assigned = copy;
  CHECK(copy.encoded().data() == bytes);
  CHECK(assigned.encoded().data() == bytes);
  CHECK(copy.tenant().value().data() == original->tenant().value().data());
  original.reset();
  copy = key("t", "o", "k");
  CHECK(assigned.tenant().value() == long_text);
  CHECK(assigned.client_key().value() == "k");
  IdempotencyKey& same = assigned;
  assigned = same;
  CHECK(assigned.encoded().data() == bytes);
}

TEST_CASE("a moved-from key is still the key", "[key]") {
  for (const std::string& tenant : {std::string("t"), std::string(128, 't')}) {
    IdempotencyKey from = key(tenant, "o", "k");
    const IdempotencyKey to = std::move(from);
    CHECK(from == to);
    CHECK(from.tenant() == TenantId{tenant});
    from = key("t", "o", "l");
    CHECK(from.client_key() == ClientKey{"l"});
    CHECK(to.client_key() == ClientKey{"k"});
  }
}

}  // namespace
}  // namespace nexus::idempotency::test
