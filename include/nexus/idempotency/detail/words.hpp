// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_DETAIL_WORDS_HPP
#define NEXUS_IDEMPOTENCY_DETAIL_WORDS_HPP

// Looking at a byte string eight bytes at a time, and copying short ones. Keys are mostly plain
// ASCII, so one test a word replaces one a byte.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace nexus::idempotency {
inline namespace v0 {
namespace detail {

inline constexpr std::uint64_t low_bits = 0x0101010101010101;
inline constexpr std::uint64_t high_bits = 0x8080808080808080;

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

// Returns: whether `flags(word)` is not 0 for any word of `text`. The last word overlaps the one
// before it; a text under eight bytes is read into a word of `filler` bytes.
template <class Flags>
[[nodiscard]] bool any_word(std::string_view text, char filler, Flags flags) noexcept {
  const char* bytes = text.data();
  const std::size_t size = text.size();
  if (size < sizeof(std::uint64_t)) {
    std::uint64_t word = low_bits * static_cast<unsigned char>(filler);
    for (std::size_t i = 0; i < size; ++i) {
      word = word << 8 | static_cast<unsigned char>(bytes[i]);
    }
    return flags(word) != 0;
  }
  std::uint64_t found = flags(load_word(bytes + size - 8));
  for (std::size_t i = 0; i + 8 < size; i += 8) found |= flags(load_word(bytes + i));
  return found != 0;
}

[[nodiscard]] constexpr std::uint64_t high_bit_flags(std::uint64_t word) noexcept {
  return word & high_bits;
}

// Returns: not 0 if a byte of the word is below `limit`. It does not tell which.
// Preconditions: limit <= 128.
[[nodiscard]] constexpr std::uint64_t below_flags(std::uint64_t word,
                                                  unsigned char limit) noexcept {
  return (word - low_bits * limit) & ~word & high_bits;
}

// Returns: not 0 if a byte of the word is `byte`.
[[nodiscard]] constexpr std::uint64_t equal_flags(std::uint64_t word, unsigned char byte) noexcept {
  return below_flags(word ^ (low_bits * byte), 1);
}

}  // namespace detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_DETAIL_WORDS_HPP
