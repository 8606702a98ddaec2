// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_HTTP_PROBLEM_HPP
#define NEXUS_IDEMPOTENCY_HTTP_PROBLEM_HPP

// The answers that are not the handler's own, as application/problem+json (RFC 9457). None quotes
// anything that the client has sent.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "nexus/idempotency/detail/config.hpp"
#include "nexus/idempotency/http/message.hpp"

namespace nexus::idempotency {
inline namespace v0 {

enum class ProblemKind {
  key_missing,        // 400: the route requires a key
  key_malformed,      // 400: `reason` is the KeyHeaderFault
  in_progress,        // 409: another request with this key is being executed
  key_reused,         // 422: the key was used for another request
  retry_refused,      // 422: the command failed, may not be tried again, and left no response
  store_unavailable,  // 503: without its store the command is not executed
  result_omitted,     // the stored status: done before, but the response's body was not kept
};

// Returns: the last part of the problem's `type`, such as "key-missing".
[[nodiscard]] constexpr std::string_view to_string(ProblemKind kind) noexcept {
  switch (kind) {
    case ProblemKind::key_missing:
      return "key-missing";
    case ProblemKind::key_malformed:
      return "key-malformed";
    case ProblemKind::in_progress:
      return "in-progress";
    case ProblemKind::key_reused:
      return "key-reused";
    case ProblemKind::retry_refused:
      return "retry-refused";
    case ProblemKind::store_unavailable:
      return "store-unavailable";
    case ProblemKind::result_omitted:
      return "result-omitted";
  }
  return "unknown";
}

// What stands before the kind in `type`. It will not change; set your own to a place on the web
// where the kinds are documented for your clients.
inline constexpr std::string_view default_problem_type_base = "urn:nexus-idempotency:problem:";

struct Problem {
  ProblemKind kind;
  std::string_view reason = {};  // the extension member `reason`; empty: none
  std::optional<std::chrono::seconds> retry_after = std::nullopt;  // the header field
  std::optional<int> status = std::nullopt;                        // if not the kind's own
};

// Errors: std::bad_alloc. Thread-safety: safe.
[[nodiscard]] NEXUS_IDEMPOTENCY_API HttpResponse
problem_response(const Problem& problem, std::string_view type_base = default_problem_type_base);

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_HTTP_PROBLEM_HPP
