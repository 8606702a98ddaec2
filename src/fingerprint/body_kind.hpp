// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_FINGERPRINT_BODY_KIND_HPP
#define NEXUS_IDEMPOTENCY_FINGERPRINT_BODY_KIND_HPP

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nexus::idempotency::fingerprint {

// What a body is said to be.
enum class BodyKind { bytes, json, form };

struct MediaType {
  BodyKind kind;
  std::string
      counts;  // what of the header counts: for JSON and forms the bare type, else all of it
};

// Returns: `text` with its ASCII letters small.
[[nodiscard]] std::string lower_case(std::string_view text);

// Returns: `text` without the spaces and tabs at its ends.
[[nodiscard]] std::string_view trim_blanks(std::string_view text) noexcept;

// Reads a value of Content-Type.
[[nodiscard]] MediaType media_type(std::string_view content_type);

using FormPairs = std::vector<std::pair<std::string, std::string>>;

// Returns: the decoded pairs of an application/x-www-form-urlencoded body in their order, as the
// WHATWG URL standard splits them; nothing if an escape is broken.
[[nodiscard]] std::optional<FormPairs> form_pairs(std::string_view body);

}  // namespace nexus::idempotency::fingerprint

#endif  // NEXUS_IDEMPOTENCY_FINGERPRINT_BODY_KIND_HPP
