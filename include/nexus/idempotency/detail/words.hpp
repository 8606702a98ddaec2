// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_DETAIL_WORDS_HPP
#define NEXUS_IDEMPOTENCY_DETAIL_WORDS_HPP

// Looking at short byte strings, and copying them, many bytes at a time. Keys are mostly plain
// ASCII of a few dozen bytes, for which a loop over bytes, and a call of memcpy, cost more than all
// else.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace nexus::idempotency {
inline namespace v0 {
namespace detail {

inline constexpr std::uint64_t low_bits = 0x0101010101010101;

// Sixteen bytes, as two words or to be compared all at once.
using WordPair [[gnu::vector_size(16)]] = std::uint64_t;
using SixteenBytes [[gnu::vector_size(16)]] = signed char;

[[nodiscard]] inline std::uint64_t load_word(const char* bytes) noexcept {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

// Effects: copies a text of the usual, short lengths, by pieces that overlap. It beats memcpy here,
// which GCC 12 turns into a string instruction with a start-up of its own.
inline void copy_text(char* out, std::string_view text) noexcept {
  const char* bytes = text.data();
  const std::size_t size = text.size();
  if (size >= 16) {
    for (std::size_t i = 0; i + 16 < size; i += 16) std::memcpy(out + i, bytes + i, 16);
    std::memcpy(out + size - 16, bytes + size - 16, 16);
  } else if (size >= 8) {
    std::memcpy(out, bytes, 8);
    std::memcpy(out + size - 8, bytes + size - 8, 8);
  } else {
    for (std::size_t i = 0; i < size; ++i) out[i] = bytes[i];
  }
}

[[nodiscard]] inline WordPair load_pair(const char* bytes) noexcept {
  WordPair pair;
  std::memcpy(&pair, bytes, sizeof pair);
  return pair;
}

// Returns: a text of up to eight bytes in the first bytes of a word, `filler` behind it.
// Preconditions: the machine is little-endian.
[[nodiscard]] inline std::uint64_t short_word(std::string_view text, char filler) noexcept {
  std::uint64_t word = low_bits * static_cast<unsigned char>(filler);
  for (std::size_t i = text.size(); i > 0; --i) {
    word = word << 8 | static_cast<unsigned char>(text[i - 1]);
  }
  return word;
}

// Returns: the last `count` bytes of `text` in the first bytes of a pair, zeros behind them. Reads
// nothing beside the text.
// Preconditions: count < 16, and is text.size() if that is less; the machine is little-endian.
[[nodiscard]] inline WordPair last_bytes(std::string_view text, std::size_t count) noexcept {
  const char* const end = text.data() + text.size();
  if (count == 0) return WordPair{0, 0};
  if (text.size() < 8) return WordPair{short_word(text, '\0'), 0};
  const std::uint64_t word = load_word(end - 8);
  if (count <= 8) return WordPair{word >> (8 * (8 - count)), 0};
  return WordPair{load_word(end - count), word >> (8 * (16 - count))};
}

// Returns: whether every byte is ASCII and stands for itself in a JSON string: no control byte, no
// '"' and no backslash.
[[nodiscard]] inline bool is_plain(std::string_view text) noexcept {
  const auto special = [](WordPair pair) noexcept {
    const auto bytes = std::bit_cast<SixteenBytes>(pair);
    // Signed, so what is above ASCII is less than a blank too.
    return (bytes < ' ') | (bytes == '"') | (bytes == '\\');
  };
  const char* bytes = text.data();
  const std::size_t size = text.size();
  SixteenBytes found;
  if (size >= 16) {
    found = special(load_pair(bytes + size - 16));
    for (std::size_t i = 0; i + 16 < size; i += 16) found |= special(load_pair(bytes + i));
  } else if (size >= 8) {
    found = special(WordPair{load_word(bytes), load_word(bytes + size - 8)});
  } else {
    found = special(WordPair{short_word(text, ' '), low_bits * ' '});
  }
  const auto words = std::bit_cast<WordPair>(found);
  return (words[0] | words[1]) == 0;
}

}  // namespace detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_DETAIL_WORDS_HPP
