// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_HTTP_OPTIONS_HPP
#define NEXUS_IDEMPOTENCY_HTTP_OPTIONS_HPP

#include <chrono>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "nexus/idempotency/attempt.hpp"
#include "nexus/idempotency/fingerprint.hpp"
#include "nexus/idempotency/http/key_header.hpp"
#include "nexus/idempotency/http/message.hpp"
#include "nexus/idempotency/http/problem.hpp"
#include "nexus/idempotency/http/response_policy.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// A handler has run, but the store does not know how it ended. The client gets the response all
// the same; until the lease ends, its retries get 409, and after that the command may run again.
struct UnrecordedOutcome {
  const Attempt& attempt;        // holds the token, which may be used to report later
  const HttpResponse* response;  // nullptr: the handler threw
  std::exception_ptr cause;      // what `complete` or `fail` threw
};

// Called on the thread that handles the request, and only for reporting: what they throw is lost.
struct HttpEvents {
  std::function<void(const UnrecordedOutcome&)> outcome_not_recorded{};

  // A request was answered with store_unavailable; the exception is why.
  std::function<void(std::exception_ptr)> store_failed{};
};

struct HttpOptions {
  KeyHeaderOptions key_header{};

  // Requests with another method go to the handler untouched.
  std::vector<std::string> methods{"POST", "PATCH"};

  FingerprintOptions fingerprint{};
  ResponsePolicy responses{};

  // Retry-After of a 409 is what is left of the lease, rounded up to seconds, at least 1, but no
  // more than this: the owner usually ends long before its lease. At least 1 s.
  std::chrono::seconds max_retry_after{10};

  std::string problem_type_base{default_problem_type_base};
  HttpEvents events{};
};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_HTTP_OPTIONS_HPP
