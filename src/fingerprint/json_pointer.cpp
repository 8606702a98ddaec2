// SPDX-License-Identifier: MIT
#include "fingerprint/json_pointer.hpp"

#include <cstddef>

#include "nexus/idempotency/detail/utf8.hpp"

namespace nexus::idempotency::fingerprint {

std::optional<JsonPointer> parse_json_pointer(std::string_view text) {
  if (!detail::is_utf8(text)) return std::nullopt;
  if (!text.empty() && text.front() != '/') return std::nullopt;
  JsonPointer pointer{std::string(text), {}};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '/') {
      pointer.tokens.emplace_back();
    } else if (text[i] != '~') {
      pointer.tokens.back() += text[i];
    } else {
      const std::string_view escape = text.substr(i, 2);
      if (escape != "~0" && escape != "~1") return std::nullopt;
      pointer.tokens.back() += escape == "~0" ? '~' : '/';
      ++i;
    }
  }
  return pointer;
}

}  // namespace nexus::idempotency::fingerprint
