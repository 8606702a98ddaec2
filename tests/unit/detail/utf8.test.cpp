// SPDX-License-Identifier: MIT
#include "nexus/idempotency/detail/utf8.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"

namespace nexus::idempotency::detail::test {
namespace {

// Table 3-7 of the Unicode standard, "Well-Formed UTF-8 Byte Sequences", row by row.
struct Range {
  unsigned low, high;
};
const std::vector<std::vector<Range>>& table() {
  static const std::vector<std::vector<Range>> rows{
      {{0x00, 0x7F}},
      {{0xC2, 0xDF}, {0x80, 0xBF}},
      {{0xE0, 0xE0}, {0xA0, 0xBF}, {0x80, 0xBF}},
      {{0xE1, 0xEC}, {0x80, 0xBF}, {0x80, 0xBF}},
      {{0xED, 0xED}, {0x80, 0x9F}, {0x80, 0xBF}},
      {{0xEE, 0xEF}, {0x80, 0xBF}, {0x80, 0xBF}},
      {{0xF0, 0xF0}, {0x90, 0xBF}, {0x80, 0xBF}, {0x80, 0xBF}},
      {{0xF1, 0xF3}, {0x80, 0xBF}, {0x80, 0xBF}, {0x80, 0xBF}},
      {{0xF4, 0xF4}, {0x80, 0x8F}, {0x80, 0xBF}, {0x80, 0xBF}}};
  return rows;
}

std::size_t reference_length(std::string_view text) {
  for (const std::vector<Range>& row : table()) {
    if (row.size() > text.size()) continue;
    bool matches = true;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const unsigned byte = static_cast<unsigned char>(text[i]);
      matches = matches && row[i].low <= byte && byte <= row[i].high;
    }
    if (matches) return row.size();
  }
  return 0;
}

bool reference(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = reference_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// Counts instead of a million assertions; `first_wrong` says where to look.
struct Disagreements {
  std::size_t count = 0;
  std::string first_wrong;

  void check(const std::string& text) {
    if (is_utf8(text) == reference(text) &&
        (text.empty() || utf8_sequence_length(text) == reference_length(text))) {
      return;
    }
    if (count++ == 0) {
      for (const char byte : text) {
        first_wrong += std::to_string(static_cast<unsigned char>(byte)) + ' ';
      }
    }
  }
};

// The first and the last byte of every range in the table, and the bytes next to them.
std::string boundary_bytes() {
  std::string bytes;
  for (const std::vector<Range>& row : table()) {
    for (const Range& range : row) {
      for (const unsigned byte : {range.low - 1, range.low, range.high, range.high + 1}) {
        bytes.push_back(static_cast<char>(byte & 0xFF));
      }
    }
  }
  std::sort(bytes.begin(), bytes.end());
  bytes.erase(std::unique(bytes.begin(), bytes.end()), bytes.end());
  return bytes;
}

TEST_CASE("UTF-8 as in the standard: all sequences of one and two bytes", "[utf8]") {
  Disagreements wrong;
  wrong.check("");
  std::string two(2, '\0');
  for (unsigned first = 0; first < 256; ++first) {
    wrong.check(std::string(1, static_cast<char>(first)));
    for (unsigned second = 0; second < 256; ++second) {
      two[0] = static_cast<char>(first);
      two[1] = static_cast<char>(second);
      wrong.check(two);
    }
  }
  CAPTURE(wrong.first_wrong);
  CHECK(wrong.count == 0);
}

TEST_CASE("UTF-8 as in the standard: boundary bytes in three and four bytes", "[utf8]") {
  Disagreements wrong;
  const std::string bytes = boundary_bytes();
  CHECK(bytes.size() > 20);
  std::string three(3, '\0');
  std::string four(4, '\0');
  for (const char a : bytes) {
    for (const char b : bytes) {
      for (const char c : bytes) {
        three = {a, b, c};
        wrong.check(three);
        for (const char d : bytes) {
          four = {a, b, c, d};
          wrong.check(four);
        }
      }
    }
  }
  CAPTURE(wrong.first_wrong);
  CHECK(wrong.count == 0);
}

std::string encoded(unsigned code) {
  const auto lead = [&](unsigned mark, unsigned shift) {
    return static_cast<char>(mark | (code >> shift));
  };
  const auto follow = [&](unsigned shift) {
    return static_cast<char>(0x80 | ((code >> shift) & 0x3F));
  };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {lead(0xC0, 6), follow(0)};
  if (code < 0x10000) return {lead(0xE0, 12), follow(6), follow(0)};
  return {lead(0xF0, 18), follow(12), follow(6), follow(0)};
}

TEST_CASE("every character of Unicode is accepted, and no surrogate nor what is above", "[utf8]") {
  std::size_t wrong = 0;
  for (unsigned code = 0; code <= 0x13FFFF; ++code) {
    const bool is_character = code <= 0x10FFFF && !(code >= 0xD800 && code <= 0xDFFF);
    if (is_utf8(encoded(code)) != is_character) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("UTF-8 is checked at every place of a text", "[utf8]") {
  const std::vector<std::string> pieces{"\u00E9",   "\u20AC", "\U0001F600",   "\x80",    "\xC3",
                                        "\xE2\x82", "\xFF",   "\xED\xA0\x80", "\xC0\x80"};
  for (const std::string& piece : pieces) {
    for (std::size_t before = 0; before <= 18; ++before) {
      for (std::size_t after = 0; after <= 18; ++after) {
        const std::string text = std::string(before, 'a') + piece + std::string(after, 'b');
        CAPTURE(piece, before, after);
        REQUIRE(is_utf8(text) == reference(text));
      }
    }
  }
}

TEST_CASE("a sequence that the end of the text cuts off is not valid", "[utf8]") {
  for (const std::string whole : {"\u00E9", "\u20AC", "\U0001F600"}) {
    for (std::size_t size = 1; size < whole.size(); ++size) {
      CHECK(utf8_sequence_length(std::string_view(whole).substr(0, size)) == 0);
      CHECK_FALSE(is_utf8(std::string(20, 'a') + whole.substr(0, size)));
    }
    CHECK(utf8_sequence_length(whole + "abc") == whole.size());
  }
}

}  // namespace
}  // namespace nexus::idempotency::detail::test
