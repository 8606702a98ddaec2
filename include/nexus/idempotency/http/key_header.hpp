// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_HTTP_KEY_HEADER_HPP
#define NEXUS_IDEMPOTENCY_HTTP_KEY_HEADER_HPP

// The header field Idempotency-Key, as draft-ietf-httpapi-idempotency-key-header has it: a string
// of structured fields (RFC 8941, section 3.3.3) in double quotes. Nearly every client sends the
// bare key instead, so that is taken too, unless an option forbids it: `"8e03"` and `8e03` are the
// same key.

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include "nexus/idempotency/detail/config.hpp"
#include "nexus/idempotency/http/header_fields.hpp"
#include "nexus/idempotency/values.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// Why a request has no key that can be used.
enum class KeyHeaderFault {
  missing,     // no such field
  several,     // more than one field, or several values in one
  empty,       // no value, or an empty string
  too_long,    // longer than KeyHeaderOptions::max_length
  not_ascii,   // a byte over 0x7E, or a control character
  parameters,  // something after a semicolon
  padded,      // the key begins or ends with a space
  bare,        // not in quotes, which KeyHeaderOptions::allow_bare forbids
  malformed,   // anything else, such as a quote that is not closed
};

[[nodiscard]] constexpr std::string_view to_string(KeyHeaderFault fault) noexcept {
  switch (fault) {
    case KeyHeaderFault::missing:
      return "missing";
    case KeyHeaderFault::several:
      return "several";
    case KeyHeaderFault::empty:
      return "empty";
    case KeyHeaderFault::too_long:
      return "too_long";
    case KeyHeaderFault::not_ascii:
      return "not_ascii";
    case KeyHeaderFault::parameters:
      return "parameters";
    case KeyHeaderFault::padded:
      return "padded";
    case KeyHeaderFault::bare:
      return "bare";
    case KeyHeaderFault::malformed:
      return "malformed";
  }
  return "unknown";
}

struct KeyHeaderOptions {
  std::string name = "Idempotency-Key";

  // Whether a key may come without quotes: then it is of visible ASCII characters, other than the
  // double quote, comma and semicolon.
  bool allow_bare = true;

  // Of the key itself, without quotes and escapes. At most ClientKey::max_length.
  std::size_t max_length = ClientKey::max_length;
};

// Returns: the key in one value of the field, or what is wrong with it; never `missing`.
// Errors: std::bad_alloc. Thread-safety: safe.
[[nodiscard]] NEXUS_IDEMPOTENCY_API std::variant<ClientKey, KeyHeaderFault> parse_key(
    std::string_view value, const KeyHeaderOptions& options = {});

// The same, of the field with the name that the options give.
[[nodiscard]] NEXUS_IDEMPOTENCY_API std::variant<ClientKey, KeyHeaderFault> find_key(
    const HeaderFields& headers, const KeyHeaderOptions& options = {});

// Returns: what a client sends as the value of the field: the key in quotes.
// Errors: InvalidValueError if the key holds anything but printable ASCII; std::bad_alloc.
[[nodiscard]] NEXUS_IDEMPOTENCY_API std::string key_header_value(const ClientKey& key);

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_HTTP_KEY_HEADER_HPP
