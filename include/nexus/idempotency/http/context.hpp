// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_HTTP_CONTEXT_HPP
#define NEXUS_IDEMPOTENCY_HTTP_CONTEXT_HPP

#include <optional>

#include "nexus/idempotency/values.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// Whether a route needs a key.
enum class KeyRequirement {
  required,  // without one: 400
  optional,  // without one, the handler just runs, each time; a malformed one is 400 all the same
};

// What the server knows of a request and the client can't decide.
struct HttpContext {
  // From the authentication, never from what a client may write at will: it is what keeps one
  // client from reading another's responses.
  TenantId tenant;

  // A name of your own, such as "charges.create": see OperationRef.
  OperationRef operation;

  KeyRequirement key = KeyRequirement::required;

  // The fingerprint, if it was made elsewhere (by a FingerprintStream, say, of a body that
  // HttpRequest does not hold). Otherwise it is made of the request.
  std::optional<RequestFingerprint> fingerprint = std::nullopt;
};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_HTTP_CONTEXT_HPP
