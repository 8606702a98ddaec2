// SPDX-License-Identifier: MIT
#include "nexus/idempotency/detail/words.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "support/catch.hpp"

namespace nexus::idempotency::detail::test {
namespace {

using Bytes = std::array<unsigned char, 8>;

std::uint64_t word_of(const Bytes& bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes.data(), sizeof word);
  return word;
}

// Neighbours that borrows and carries could come from.
constexpr std::array<unsigned char, 8> fillers{0x00, 0x01, 0x1F, 0x20, 0x7F, 0x80, 0x81, 0xFF};
constexpr std::array<unsigned char, 6> limits{0, 1, 0x20, 0x22, 0x7F, 0x80};

TEST_CASE("flags of a word, for every byte at every place", "[words]") {
  for (const unsigned char filler : fillers) {
    for (std::size_t at = 0; at < 8; ++at) {
      for (unsigned byte = 0; byte < 256; ++byte) {
        Bytes bytes;
        bytes.fill(filler);
        bytes[at] = static_cast<unsigned char>(byte);
        const std::uint64_t word = word_of(bytes);
        CAPTURE(filler, at, byte);
        REQUIRE((high_bit_flags(word) != 0) == (byte >= 0x80 || filler >= 0x80));
        for (const unsigned char limit : limits) {
          REQUIRE((below_flags(word, limit) != 0) == (byte < limit || filler < limit));
        }
        for (const unsigned char wanted : fillers) {
          REQUIRE((equal_flags(word, wanted) != 0) == (byte == wanted || filler == wanted));
        }
      }
    }
  }
}

TEST_CASE("any_word sees every byte of a text, and none beside it", "[words]") {
  const auto is_special = [](std::uint64_t word) { return equal_flags(word, '"'); };
  for (std::size_t size = 0; size <= 40; ++size) {
    // Exactly as long as the text, so that a sanitizer sees a read beyond it.
    const auto bytes = std::make_unique<char[]>(size);
    const std::string_view text(bytes.get(), size);
    std::memset(bytes.get(), 'x', size);
    CAPTURE(size);
    REQUIRE_FALSE(any_word(text, ' ', is_special));
    for (std::size_t at = 0; at < size; ++at) {
      CAPTURE(at);
      bytes[at] = '"';
      REQUIRE(any_word(text, ' ', is_special));
      REQUIRE_FALSE(any_word(text.substr(0, at), ' ', is_special));
      REQUIRE_FALSE(any_word(text.substr(at + 1), ' ', is_special));
      bytes[at] = 'x';
    }
  }
}

TEST_CASE("short texts are filled up with the filler", "[words]") {
  const auto zeros = [](std::uint64_t word) { return equal_flags(word, 0); };
  CHECK_FALSE(any_word("", ' ', zeros));
  CHECK(any_word("", '\0', zeros));
  CHECK_FALSE(any_word("1234567", ' ', zeros));
  CHECK(any_word("1234567", '\0', zeros));
  CHECK_FALSE(any_word("12345678", '\0', zeros));
}

TEST_CASE("load_word reads from any address", "[words]") {
  const char bytes[] = "0123456789abcdef";
  for (std::size_t at = 0; at <= 8; ++at) {
    const std::uint64_t word = load_word(bytes + at);
    CHECK(std::memcmp(&word, bytes + at, sizeof word) == 0);
  }
}

}  // namespace
}  // namespace nexus::idempotency::detail::test
