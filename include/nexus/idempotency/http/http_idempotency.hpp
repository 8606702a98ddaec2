// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_HTTP_HTTP_IDEMPOTENCY_HPP
#define NEXUS_IDEMPOTENCY_HTTP_HTTP_IDEMPOTENCY_HPP

// Component http: idempotent handlers behind the header field Idempotency-Key, for any framework.

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "nexus/idempotency/decision.hpp"
#include "nexus/idempotency/detail/config.hpp"
#include "nexus/idempotency/fingerprint.hpp"
#include "nexus/idempotency/http/context.hpp"
#include "nexus/idempotency/http/execution.hpp"
#include "nexus/idempotency/http/key_header.hpp"
#include "nexus/idempotency/http/message.hpp"
#include "nexus/idempotency/http/options.hpp"
#include "nexus/idempotency/http/problem.hpp"
#include "nexus/idempotency/http/response_policy.hpp"
#include "nexus/idempotency/result_envelope.hpp"
#include "nexus/idempotency/service.hpp"

namespace nexus::idempotency {
inline namespace v0 {

using HttpHandler = std::function<HttpResponse(const HttpRequest&, HttpExecution&)>;

// What a request with a key is answered with:
//   new key                     the handler's own response, which is recorded
//   completed                   the recorded response, and "Idempotent-Replayed: true"
//     …its body was too large   the recorded status and headers, result_omitted; marked likewise
//   another request's key       422 key_reused, also while that is being executed
//   being executed              409 in_progress, with Retry-After
//   failed, no retry allowed    the recorded response, marked; 422 retry_refused if there is none
//   no key, or a malformed one  400 key_missing, key_malformed
//   the store fails             503 store_unavailable; the handler does not run. With Retry-After
//                               if trying again may help
//
// Thread-safety: safe if the service is. Lifetimes: the service must outlive it.
class NEXUS_IDEMPOTENCY_API HttpIdempotency {
 public:
  // Errors: InvalidValueError if an option is out of its range.
  explicit HttpIdempotency(IdempotencyServiceInterface& service, HttpOptions options = {});

  // Answers a request; runs `handler` if, and only if, this request may be executed.
  //
  // Preconditions: a response of the handler that is no result (see ResponsePolicy), or an
  //   exception, means that the command took no effect.
  // Returns: as above. If the outcome could not be recorded, the handler's own response: see
  //   HttpEvents::outcome_not_recorded.
  // Errors: what the handler throws, unchanged; std::bad_alloc before the handler runs.
  [[nodiscard]] HttpResponse handle(const HttpRequest& request, const HttpContext& context,
                                    const HttpHandler& handler) const;

  // `handle` in its two halves, for handlers that answer later.
  //
  // Returns: the response to send; or an execution: run the handler, then call `finish` with its
  //   response before that is sent, or `abandon`. If neither is called, the key stays taken until
  //   its lease ends.
  // Errors: std::bad_alloc.
  [[nodiscard]] std::variant<HttpResponse, HttpExecution> begin(const HttpRequest& request,
                                                                const HttpContext& context) const;

  // Records the response, unless that is marked as done. Throws nothing: what goes wrong is
  // reported to HttpEvents::outcome_not_recorded.
  void finish(const HttpExecution& execution, const HttpResponse& response) const noexcept;

  // Records that the handler ended without a response, and without an effect. Throws nothing.
  void abandon(const HttpExecution& execution) const noexcept;

 private:
  [[nodiscard]] HttpResponse problem(const Problem& problem) const;
  [[nodiscard]] HttpResponse replay(const ResultEnvelope& envelope) const;
  [[nodiscard]] HttpResponse store_failed(bool may_try_again) const;

  IdempotencyServiceInterface& service_;
  const HttpOptions options_;
  const std::shared_ptr<const ResponsePolicy> policy_;
  const RequestFingerprinter fingerprinter_;
};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_HTTP_HTTP_IDEMPOTENCY_HPP
