// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_FINGERPRINT_JSON_POINTER_HPP
#define NEXUS_IDEMPOTENCY_FINGERPRINT_JSON_POINTER_HPP

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nexus::idempotency::fingerprint {

// A JSON Pointer (RFC 6901): the names and indices on the way from the root to a value.
struct JsonPointer {
  std::string text;
  std::vector<std::string> tokens;  // decoded
};

// Returns: nothing if `text` is no JSON Pointer.
[[nodiscard]] std::optional<JsonPointer> parse_json_pointer(std::string_view text);

}  // namespace nexus::idempotency::fingerprint

#endif  // NEXUS_IDEMPOTENCY_FINGERPRINT_JSON_POINTER_HPP
