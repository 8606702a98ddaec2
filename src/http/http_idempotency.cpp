// SPDX-License-Identifier: MIT
#include "nexus/idempotency/http/http_idempotency.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/http/stored_response.hpp"
#include "nexus/idempotency/key.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace {

using std::chrono::seconds;

HttpOptions validated(HttpOptions options) {
  if (!is_header_name(options.key_header.name)) {
    throw InvalidValueError("HttpOptions: the name of the key's header field is none");
  }
  const std::size_t max_length = options.key_header.max_length;
  if (max_length < 1 || max_length > ClientKey::max_length) {
    throw InvalidValueError("HttpOptions: the key's max_length is out of its range");
  }
  if (options.max_retry_after < seconds(1)) {
    throw InvalidValueError("HttpOptions: max_retry_after must be at least a second");
  }
  return options;
}

// Returns: what is left of the lease, in whole seconds, from 1 to `most`.
seconds retry_after(const std::optional<Duration>& left, seconds most) noexcept {
  if (!left) return most;
  return std::clamp(std::chrono::ceil<seconds>(*left), seconds(1), most);
}

constexpr bool is_status(int status) noexcept {
  return status >= 100 && status <= 999;
}

// Returns: whether a field tells of the body. With another body it would be wrong.
bool is_about_body(std::string_view name) noexcept {
  constexpr std::string_view prefix = "content-";
  for (const std::string_view other : {"ETag", "Last-Modified", "Digest", "Repr-Digest"}) {
    if (same_header_name(name, other)) return true;
  }
  return same_header_name(name.substr(0, prefix.size()), prefix);
}

// Returns: whether a response with this status is never followed by a body (RFC 9110).
constexpr bool is_bodiless(int status) noexcept {
  return status < 200 || status == 204 || status == 205 || status == 304;
}

// Calls `report`, if there is one.
template <class Report, class... Argument>
void tell(const Report& report, const Argument&... argument) noexcept {
  if (!report) return;
  try {
    report(argument...);
  } catch (...) {
    // It could not be reported. The client's response matters more.
  }
}

}  // namespace

ResultEnvelope HttpExecution::envelope(const HttpResponse& response) const {
  return encode_response({response.status, policy_->storable(response.headers), response.body});
}

HttpIdempotency::HttpIdempotency(IdempotencyServiceInterface& service, HttpOptions options)
    : service_(service),
      options_(validated(std::move(options))),
      policy_(std::make_shared<const ResponsePolicy>(options_.responses)),
      fingerprinter_(options_.fingerprint) {}

HttpResponse HttpIdempotency::handle(const HttpRequest& request, const HttpContext& context,
                                     const HttpHandler& handler) const {
  std::variant<HttpResponse, HttpExecution> begun = begin(request, context);
  if (auto* answer = std::get_if<HttpResponse>(&begun)) return std::move(*answer);
  HttpExecution& execution = std::get<HttpExecution>(begun);
  std::optional<HttpResponse> response;
  try {
    response = handler(request, execution);
  } catch (...) {
    abandon(execution);
    throw;
  }
  finish(execution, *response);
  return *std::move(response);
}

std::variant<HttpResponse, HttpExecution> HttpIdempotency::begin(const HttpRequest& request,
                                                                 const HttpContext& context) const {
  const std::vector<std::string>& methods = options_.methods;
  if (std::find(methods.begin(), methods.end(), request.method) == methods.end()) {
    return HttpExecution(std::nullopt, policy_);
  }

  const std::variant<ClientKey, KeyHeaderFault> found =
      find_key(request.headers, options_.key_header);
  if (const auto* fault = std::get_if<KeyHeaderFault>(&found)) {
    if (*fault != KeyHeaderFault::missing) {
      return problem({ProblemKind::key_malformed, to_string(*fault)});
    }
    if (context.key == KeyRequirement::required) return problem({ProblemKind::key_missing});
    return HttpExecution(std::nullopt, policy_);
  }

  try {
    const IdempotencyKey key(context.tenant, context.operation, std::get<ClientKey>(found));
    const RequestFingerprint fingerprint =
        context.fingerprint
            ? *context.fingerprint
            : fingerprinter_({request.method, request.path, request.query, request.headers},
                             request.body);
    BeginDecision decision = service_.begin(key, fingerprint);
    if (auto* first = std::get_if<FirstExecution>(&decision)) {
      return HttpExecution(std::move(first->attempt), policy_);
    }
    if (const auto* done = std::get_if<Replay>(&decision)) return replay(done->result);
    if (const auto* busy = std::get_if<InProgress>(&decision)) {
      return problem(
          {ProblemKind::in_progress, {}, retry_after(busy->retry_after, options_.max_retry_after)});
    }
    if (const auto* failed = std::get_if<RetryNotAllowed>(&decision)) {
      if (failed->failure && !failed->failure->is_omitted()) return replay(*failed->failure);
      return problem({ProblemKind::retry_refused});
    }
    return problem({ProblemKind::key_reused});
  } catch (const StoreError& error) {
    tell(options_.events.store_failed, std::current_exception());
    return store_failed(error.is_transient() || error.code() == StoreErrc::in_doubt);
  } catch (const IdempotencyError&) {  // no random bytes, no SHA-256
    tell(options_.events.store_failed, std::current_exception());
    return store_failed(false);
  }
}

void HttpIdempotency::finish(const HttpExecution& execution,
                             const HttpResponse& response) const noexcept {
  if (execution.attempt() == nullptr || execution.is_recorded()) return;
  // The handler has run: whatever goes wrong from here on must not make it run again.
  const Attempt& attempt = *execution.attempt();
  try {
    if (policy_->is_result(response)) {
      service_.complete(attempt, execution.envelope(response));
    } else {
      std::optional<ResultEnvelope> failure;
      if (is_status(response.status)) failure.emplace(execution.envelope(response));
      service_.fail(attempt, std::move(failure));
    }
  } catch (...) {
    tell(options_.events.outcome_not_recorded,
         UnrecordedOutcome{attempt, &response, std::current_exception()});
  }
}

void HttpIdempotency::abandon(const HttpExecution& execution) const noexcept {
  if (execution.attempt() == nullptr || execution.is_recorded()) return;
  const Attempt& attempt = *execution.attempt();
  try {
    service_.fail(attempt);
  } catch (...) {
    tell(options_.events.outcome_not_recorded,
         UnrecordedOutcome{attempt, nullptr, std::current_exception()});
  }
}

HttpResponse HttpIdempotency::problem(const Problem& problem) const {
  return problem_response(problem, options_.problem_type_base);
}

HttpResponse HttpIdempotency::replay(const ResultEnvelope& envelope) const {
  HttpResponse response;
  if (envelope.is_omitted()) {  // recorded by other means than this class: nothing is known of it
    response = problem({ProblemKind::result_omitted});
  } else {
    StoredResponse stored = decode_response(envelope);
    HeaderFields headers = policy_->storable(stored.headers);  // the list may have grown since
    if (stored.body) {
      response = {stored.status, std::move(headers), *std::move(stored.body)};
    } else {
      response.status = stored.status;
      if (!is_bodiless(stored.status)) {
        response = problem({ProblemKind::result_omitted, {}, std::nullopt, stored.status});
      }
      for (auto& field : headers) {
        if (!is_about_body(field.first)) response.headers.push_back(std::move(field));
      }
    }
  }
  response.headers.emplace_back("Idempotent-Replayed", "true");
  return response;
}

HttpResponse HttpIdempotency::store_failed(bool may_try_again) const {
  Problem unavailable{ProblemKind::store_unavailable};
  if (may_try_again) unavailable.retry_after = seconds(1);
  return problem(unavailable);
}

}  // namespace v0
}  // namespace nexus::idempotency
