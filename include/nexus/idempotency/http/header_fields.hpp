// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_HTTP_HEADER_FIELDS_HPP
#define NEXUS_IDEMPOTENCY_HTTP_HEADER_FIELDS_HPP

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nexus::idempotency {
inline namespace v0 {

// The header of a message, in its order: name and value of each field. One name may occur in
// several fields.
using HeaderFields = std::vector<std::pair<std::string, std::string>>;

// Returns: whether two names are the same; the case of ASCII letters is no matter.
[[nodiscard]] constexpr bool same_header_name(std::string_view a, std::string_view b) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

// Returns: whether it can be the name of a field (RFC 9110, a token).
[[nodiscard]] constexpr bool is_header_name(std::string_view name) noexcept {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           others.find(c) != std::string_view::npos;
  });
}

// Returns: whether it can be the value of a field: nothing in it ends a line, or the text.
[[nodiscard]] constexpr bool is_header_value(std::string_view value) noexcept {
  return std::none_of(value.begin(), value.end(),
                      [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_HTTP_HEADER_FIELDS_HPP
