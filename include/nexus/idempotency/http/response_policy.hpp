// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_HTTP_RESPONSE_POLICY_HPP
#define NEXUS_IDEMPOTENCY_HTTP_RESPONSE_POLICY_HPP

#include <functional>
#include <string>
#include <vector>

#include "nexus/idempotency/detail/config.hpp"
#include "nexus/idempotency/http/header_fields.hpp"
#include "nexus/idempotency/http/message.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// What becomes of the response of a handler.
struct NEXUS_IDEMPOTENCY_API ResponsePolicy {
  // A result is recorded as completed and replayed. Anything else is recorded as failed: whether
  // it may be tried again is for the service's IdempotencyPolicy to say.
  // Results are 2xx, 3xx and 4xx, except these, which tell of the moment and not of the command.
  std::vector<int> retryable_statuses{401, 403, 408, 409, 425, 429};

  // Decides in place of that rule, if set: whether the response is a result. Must not throw.
  std::function<bool(const HttpResponse&)> decide{};

  // Fields that are neither stored nor replayed: they belong to a connection (also those that a
  // field Connection names), to one client, or to one moment; or the server sets them itself.
  std::vector<std::string> unstored_headers{"Connection",
                                            "Keep-Alive",
                                            "Proxy-Authenticate",
                                            "Proxy-Authentication-Info",
                                            "Proxy-Authorization",
                                            "Proxy-Connection",
                                            "TE",
                                            "Trailer",
                                            "Transfer-Encoding",
                                            "Upgrade",
                                            "Content-Length",
                                            "Date",
                                            "Set-Cookie",
                                            "Set-Cookie2",
                                            "Idempotent-Replayed"};

  // Returns: whether the response is a result. A status that is none of HTTP's never is.
  [[nodiscard]] bool is_result(const HttpResponse& response) const;

  // Returns: the fields that are stored, in their order. A field that is no proper one (a line
  // break in the value, say) is left out too.
  // Errors: std::bad_alloc.
  [[nodiscard]] HeaderFields storable(const HeaderFields& headers) const;
};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_HTTP_RESPONSE_POLICY_HPP
