// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_DETAIL_JSON_TEXT_HPP
#define NEXUS_IDEMPOTENCY_DETAIL_JSON_TEXT_HPP

// The encoding of a key: a JSON array of strings, byte for byte what nlohmann::json's dump() gives
// for valid UTF-8, at a twentieth of its cost. Two passes, so that the block that holds the
// encoding is allocated once at its exact size.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "nexus/idempotency/detail/words.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace detail {

// Returns: the letter after the backslash in the short escape of `byte`, or 0 if it has none.
[[nodiscard]] constexpr char short_escape(char byte) noexcept {
  switch (byte) {
    case '"':
      return '"';
    case '\\':
      return '\\';
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return 0;
  }
}

[[nodiscard]] constexpr bool is_control(char byte) noexcept {
  return static_cast<unsigned char>(byte) < 0x20;
}

// Returns: how many bytes `text` takes inside a JSON string.
[[nodiscard]] inline std::size_t escaped_size(std::string_view text) noexcept {
  if (is_plain(text)) return text.size();
  std::size_t size = 0;
  for (const char byte : text) size += short_escape(byte) != 0 ? 2U : is_control(byte) ? 6U : 1U;
  return size;
}

// Effects: writes `text`, escaped, to `out`. `size` is its escaped_size. Returns: the end.
inline char* write_escaped(char* out, std::string_view text, std::size_t size) noexcept {
  if (size == text.size()) {
    copy_text(out, text);
    return out + size;
  }
  for (const char byte : text) {
    if (const char letter = short_escape(byte); letter != 0) {
      *out++ = '\\';
      *out++ = letter;
    } else if (is_control(byte)) {
      const auto code = static_cast<unsigned char>(byte);
      std::memcpy(out, "\\u00", 4);
      out[4] = "0123456789abcdef"[code >> 4];
      out[5] = "0123456789abcdef"[code & 0xF];
      out += 6;
    } else {
      *out++ = byte;
    }
  }
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_DETAIL_JSON_TEXT_HPP
