// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_HTTP_EXECUTION_HPP
#define NEXUS_IDEMPOTENCY_HTTP_EXECUTION_HPP

#include <memory>
#include <optional>
#include <utility>

#include "nexus/idempotency/attempt.hpp"
#include "nexus/idempotency/detail/config.hpp"
#include "nexus/idempotency/http/message.hpp"
#include "nexus/idempotency/http/response_policy.hpp"
#include "nexus/idempotency/result_envelope.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// One run of a handler, as HttpIdempotency::begin allowed it. A plain value: it may wait in an
// asynchronous handler's state, on any thread. It holds the attempt's token: keep it on the server.
class NEXUS_IDEMPOTENCY_API HttpExecution {
 public:
  // Returns: the attempt; nullptr if the request has no key, or its method needs none.
  // Use its `fence` towards systems that can refuse an older execution, or renew it.
  [[nodiscard]] const Attempt* attempt() const noexcept { return attempt_ ? &*attempt_ : nullptr; }

  // For handlers that record the outcome themselves, in the transaction in which the command has
  // its effect. In that transaction, call
  //
  //   service.complete(*execution.attempt(), execution.envelope(response));
  //
  // with a service over a store on the transaction's connection; commit; then mark_recorded(), and
  // return `response`. What has been marked is not recorded a second time.
  //
  // Returns: what is recorded for `response`.
  // Errors: InvalidValueError if the status is none; std::bad_alloc.
  [[nodiscard]] ResultEnvelope envelope(const HttpResponse& response) const;

  void mark_recorded() noexcept { recorded_ = true; }
  [[nodiscard]] bool is_recorded() const noexcept { return recorded_; }

 private:
  friend class HttpIdempotency;
  HttpExecution(std::optional<Attempt> attempt, std::shared_ptr<const ResponsePolicy> policy)
      : attempt_(std::move(attempt)), policy_(std::move(policy)) {}

  std::optional<Attempt> attempt_;
  std::shared_ptr<const ResponsePolicy> policy_;
  bool recorded_ = false;
};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_HTTP_EXECUTION_HPP
