// SPDX-License-Identifier: MIT
#include "nexus/idempotency/http/problem.hpp"

#include <cstddef>

#include "nexus/idempotency/detail/json_text.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace {

struct Text {
  int status;
  std::string_view title;
  std::string_view detail;
};

Text text_of(ProblemKind kind) noexcept {
  switch (kind) {
    case ProblemKind::key_missing:
      return {400, "Idempotency-Key is missing",
              "This operation needs an idempotency key: a value of your choice that is the same "
              "for every retry of the request, and for no other request."};
    case ProblemKind::key_malformed:
      return {400, "Idempotency-Key is malformed",
              "The idempotency key must be one string of printable ASCII characters in double "
              "quotes, neither empty nor too long, without parameters."};
    case ProblemKind::in_progress:
      return {409, "A request is outstanding for this Idempotency-Key",
              "The first request with this key is still being executed. Retry later, with the same "
              "key, to get its response."};
    case ProblemKind::key_reused:
      return {422, "Idempotency-Key is already used",
              "This key was used for a request with other content. Use a new key for a new "
              "request, and repeat a request as it was."};
    case ProblemKind::retry_refused:
      return {422, "The command has failed and may not be retried",
              "A request with this key has failed, and its response was not kept. Use a new key "
              "for another try."};
    case ProblemKind::store_unavailable:
      return {503, "Idempotency can't be guaranteed at present",
              "The request was not executed by this call, because it could not be made sure that "
              "it is executed only once. Retry with the same key."};
    case ProblemKind::result_omitted:
      return {200, "The response was not kept",
              "The request with this key has been executed before, with this status. The body of "
              "its response was too large to be kept for replays."};
  }
  return {500, "", ""};
}

void add_member(std::string& json, std::string_view name, std::string_view value) {
  json += json.empty() ? '{' : ',';
  const std::size_t size = detail::escaped_size(value);
  json.append("\"").append(name).append("\":\"");
  const std::size_t at = json.size();
  json.resize(at + size);
  detail::write_escaped(json.data() + at, value, size);
  json += '"';
}

}  // namespace

HttpResponse problem_response(const Problem& problem, std::string_view type_base) {
  const Text text = text_of(problem.kind);
  HttpResponse response;
  response.status = problem.status.value_or(text.status);
  add_member(response.body, "type", std::string(type_base) + std::string(to_string(problem.kind)));
  add_member(response.body, "title", text.title);
  response.body += ",\"status\":" + std::to_string(response.status);
  add_member(response.body, "detail", text.detail);
  if (!problem.reason.empty()) add_member(response.body, "reason", problem.reason);
  response.body += '}';
  response.headers.emplace_back("Content-Type", "application/problem+json");
  if (problem.retry_after) {
    response.headers.emplace_back("Retry-After", std::to_string(problem.retry_after->count()));
  }
  return response;
}

}  // namespace v0
}  // namespace nexus::idempotency
