// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_FINGERPRINT_JSON_STRING_HPP
#define NEXUS_IDEMPOTENCY_FINGERPRINT_JSON_STRING_HPP

// Strings as RFC 8785 writes and orders them.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "nexus/idempotency/detail/json_text.hpp"

namespace nexus::idempotency::fingerprint {

// Effects: appends the JSON string of `text`, which is UTF-8.
inline void append_string(std::string& out, std::string_view text) {
  const std::size_t at = out.size();
  const std::size_t size = detail::escaped_size(text);
  out.resize(at + size + 2, '"');
  detail::write_escaped(out.data() + at + 1, text, size);
}

// The order of UTF-16 code units. It is that of the bytes of UTF-8, except that what takes a
// surrogate pair (first byte F0 to F4) comes before U+E000 to U+FFFF (first byte EE or EF).
[[nodiscard]] inline bool utf16_less(std::string_view a, std::string_view b) noexcept {
  const auto [at_a, at_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (at_a == a.end() || at_b == b.end()) return at_a == a.end() && at_b != b.end();
  const auto rank = [](char byte) {
    const auto code = static_cast<unsigned char>(byte);
    return code == 0xEE || code == 0xEF ? code + 0x100 : int{code};
  };
  return rank(*at_a) < rank(*at_b);
}

}  // namespace nexus::idempotency::fingerprint

#endif  // NEXUS_IDEMPOTENCY_FINGERPRINT_JSON_STRING_HPP
