// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_HTTP_STORED_RESPONSE_HPP
#define NEXUS_IDEMPOTENCY_HTTP_STORED_RESPONSE_HPP

// How a response lies in a ResultEnvelope: in an encoding of our own, of lengths and bytes, that
// names no types and runs nothing. Described in src/design/0008-http.md.

#include <optional>
#include <string>

#include "nexus/idempotency/detail/config.hpp"
#include "nexus/idempotency/http/header_fields.hpp"
#include "nexus/idempotency/http/message.hpp"
#include "nexus/idempotency/result_envelope.hpp"

namespace nexus::idempotency {
inline namespace v0 {

struct StoredResponse {
  int status;
  HeaderFields headers;
  std::optional<std::string> body;  // nullopt: there was one, but it was too large

  [[nodiscard]] friend bool operator==(const StoredResponse&, const StoredResponse&) = default;
};

// Returns: the envelope. If it would be over ResultEnvelope::max_bytes, it is without the body; if
// that does not help, without the headers too. The status is always in it.
// Preconditions: the headers are those that ResponsePolicy::storable returned.
// Errors: InvalidValueError unless the status is from 100 to 999; std::bad_alloc.
[[nodiscard]] NEXUS_IDEMPOTENCY_API ResultEnvelope encode_response(const StoredResponse& response);

// Returns: what was encoded. There is one encoding of each response, and one response of each.
// Errors: StoreErrc::corrupt if `envelope` is not one that encode_response has made, also if it is
// omitted; std::bad_alloc. No more memory is asked for than the envelope justifies.
[[nodiscard]] NEXUS_IDEMPOTENCY_API StoredResponse decode_response(const ResultEnvelope& envelope);

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_HTTP_STORED_RESPONSE_HPP
