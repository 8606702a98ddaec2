// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_FINGERPRINT_JSON_PARTS_HPP
#define NEXUS_IDEMPOTENCY_FINGERPRINT_JSON_PARTS_HPP

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fingerprint/json_pointer.hpp"
#include "nexus/idempotency/fingerprint.hpp"

namespace nexus::idempotency::fingerprint {

// How to read a JSON text.
struct JsonRules {
  JsonNumbers numbers = JsonNumbers::exact;
  std::size_t max_depth = 64;
  std::vector<JsonPointer> include;
  std::vector<JsonPointer> exclude;
};

// What was read: canonical texts, without what is excluded.
struct JsonParts {
  std::string whole;
  std::vector<std::optional<std::string>> included;  // one for each of JsonRules::include
};

// Reads `text` in one pass. Memory is bounded by a small multiple of its size.
[[nodiscard]] std::variant<JsonParts, JsonFault> read_json(std::string_view text,
                                                           const JsonRules& rules);

}  // namespace nexus::idempotency::fingerprint

#endif  // NEXUS_IDEMPOTENCY_FINGERPRINT_JSON_PARTS_HPP
