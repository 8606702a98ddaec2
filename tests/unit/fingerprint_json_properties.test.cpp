// SPDX-License-Identifier: MIT
// canonical_json by its properties: all spellings of a value have one form, other values another.
#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "nexus/idempotency/fingerprint.hpp"
#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

using namespace std::string_literals;

std::string canonical(std::string_view text) {
  return std::get<std::string>(canonical_json(text));
}

// Writes one and the same random value in many ways.
class Speller {
 public:
  // `changed`: which of the values that hold no other is written as another one.
  Speller(std::uint64_t value_seed, std::uint64_t spelling_seed, std::size_t changed = 0)
      : value_(value_seed), spelling_(spelling_seed), changed_(changed) {}

  std::string json(int depth) {
    const std::string text = any(depth);
    const bool holds_others = (text[0] == '[' || text[0] == '{') &&
                              text.find_first_not_of(" \t\r\n", 1) != text.size() - 1;
    if (holds_others || ++leaves_ != changed_) return text;
    return text[0] == '[' ? "{}" : text[0] == '{' ? "[]" : text == "null" ? "false" : "null";
  }

  // Returns: how many values that hold no other there were.
  [[nodiscard]] std::size_t leaves() const { return leaves_; }

 private:
  std::string any(int depth) {
    switch (pick(value_, depth > 0 ? 12 : 5)) {
      case 0:
        return std::array{"null"s, "true"s, "false"s}[pick(value_, 3)];
      case 1:
      case 2:
        return number();
      case 3:
      case 4:
        return string(pick(value_, 4));
      case 5:
      case 6:
      case 7:
        return array(depth);
      default:
        return object(depth);
    }
  }

  static std::size_t pick(std::mt19937_64& random, std::size_t n) { return random() % n; }

  std::string blank() {
    return std::array{""s, " "s, "\n"s, "\t "s, "\r\n"s, ""s}[pick(spelling_, 6)];
  }

  std::string number() {
    const std::string digits = std::to_string(1 + value_() % 999'999'999'999'999'999U);
    const int exponent = static_cast<int>(value_() % 60) - 30;
    const std::string sign = pick(value_, 2) == 0 ? "" : "-";
    const std::size_t point = pick(spelling_, digits.size() + 1);
    const int shift = exponent + static_cast<int>(digits.size() - point);
    std::string text = point == 0 ? "0" : digits.substr(0, point);
    if (point < digits.size()) text += "." + digits.substr(point);
    if (point < digits.size() && pick(spelling_, 2) == 0) text += "000";
    return sign + text + (pick(spelling_, 2) == 0 ? "e" : "E") + std::to_string(shift);
  }

  std::string string(std::size_t length) {
    std::string text = "\"";
    for (; length > 0; --length) {
      const std::array<std::vector<std::string>, 6> spellings{{
          {"a", "\\u0061"},
          {"\\n", "\\u000a", "\\u000A"},
          {"\\\"", "\\u0022"},
          {"/", "\\/", "\\u002f"},
          {"\u20AC", "\\u20ac", "\\u20AC"},
          {"\U0001F602", "\\ud83d\\ude02", "\\uD83D\\uDE02"},
      }};
      const std::vector<std::string>& ways = spellings[pick(value_, spellings.size())];
      text += ways[pick(spelling_, ways.size())];
    }
    return text + "\"";
  }

  std::string array(int depth) {
    std::string text = "[" + blank();
    for (std::size_t n = pick(value_, 4), i = 0; i < n; ++i) {
      if (i > 0) text += "," + blank();
      text += json(depth - 1) + blank();
    }
    return text + "]";
  }

  std::string object(int depth) {
    std::vector<std::string> members;
    for (std::size_t n = pick(value_, 5), i = 0; i < n; ++i) {
      const std::string name = string(2);
      members.push_back(name.substr(0, name.size() - 1) + std::to_string(i) + "\"" + blank() + ":" +
                        blank() + json(depth - 1));
    }
    std::shuffle(members.begin(), members.end(), spelling_);
    std::string text = "{" + blank();
    for (std::size_t i = 0; i < members.size(); ++i) {
      text += (i > 0 ? "," : "") + blank() + members[i] + blank();
    }
    return text + "}";
  }

  std::mt19937_64 value_;
  std::mt19937_64 spelling_;
  std::size_t changed_;
  std::size_t leaves_ = 0;
};

TEST_CASE("canonical JSON: every spelling of a value has its one form", "[fingerprint]") {
  std::vector<std::string> forms;
  for (std::uint64_t value = 0; value < 500; ++value) {
    const std::string form = canonical(Speller(value, 0).json(4));
    REQUIRE(canonical(form) == form);
    for (std::uint64_t spelling = 1; spelling < 6; ++spelling) {
      const std::string text = Speller(value, spelling).json(4);
      CAPTURE(text);
      REQUIRE(canonical(text) == form);
    }
    forms.push_back(form);
  }
  std::sort(forms.begin(), forms.end());
  forms.erase(std::unique(forms.begin(), forms.end()), forms.end());
  CHECK(forms.size() > 300);  // the generator does vary
}

TEST_CASE("canonical JSON: whatever value is changed, the form is another", "[fingerprint]") {
  std::size_t changes = 0;
  for (std::uint64_t value = 0; value < 300; ++value) {
    Speller speller(value, 0);
    std::vector<std::string> forms{canonical(speller.json(4))};
    for (std::size_t leaf = 1; leaf <= speller.leaves(); ++leaf) {
      forms.push_back(canonical(Speller(value, 0, leaf).json(4)));
      CAPTURE(forms.front(), forms.back());
      REQUIRE(std::count(forms.begin(), forms.end(), forms.back()) == 1);
      ++changes;
    }
  }
  CHECK(changes > 1000);
}

}  // namespace
}  // namespace nexus::idempotency::test
