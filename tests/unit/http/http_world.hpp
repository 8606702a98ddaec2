// SPDX-License-Identifier: MIT
// A charging handler behind HttpIdempotency, over a store that goes wrong on demand.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/idempotency/http/http_idempotency.hpp"
#include "support/service_world.hpp"

namespace nexus::idempotency::test {

// Returns: the value of the one field of that name; nothing if there is none, or more.
inline std::optional<std::string> header(const HttpResponse& response, std::string_view name) {
  const std::string* found = nullptr;
  for (const auto& [field, value] : response.headers) {
    if (!same_header_name(field, name)) continue;
    if (found != nullptr) return std::nullopt;
    found = &value;
  }
  if (found == nullptr) return std::nullopt;
  return *found;
}

inline bool is_replay(const HttpResponse& response) {
  return header(response, "Idempotent-Replayed") == "true";
}

// Returns: the last part of the problem's type; empty if it is no problem.
inline std::string problem_of(const HttpResponse& response) {
  if (header(response, "Content-Type") != "application/problem+json") return "";
  const nlohmann::json body = nlohmann::json::parse(response.body);
  REQUIRE(body.at("status") == response.status);
  const std::string base(default_problem_type_base);
  const auto type = body.at("type").get<std::string>();
  REQUIRE(type.substr(0, base.size()) == base);
  return type.substr(base.size());
}

inline HttpRequest charge(std::string_view client_key = "\"key-1\"",
                          std::string_view body = R"({"amount":5})") {
  return {"POST",
          "/v1/charges",
          "",
          {{"Content-Type", "application/json"}, {"Idempotency-Key", std::string(client_key)}},
          std::string(body)};
}

inline HttpContext context(KeyRequirement requirement = KeyRequirement::required) {
  return {TenantId("tenant-1"), OperationRef("payments.charge"), requirement};
}

struct HttpWorld : World {
  std::vector<StoreErrc> store_faults;
  std::vector<std::optional<HttpResponse>> unrecorded;  // nothing: the handler threw
  HttpOptions options;
  int executions = 0;
  HttpResponse answer{200, {{"Content-Type", "application/json"}}, R"({"id":"ch_1"})"};
  std::function<void(HttpExecution&)> during;  // while the handler runs

  explicit HttpWorld(IdempotencyPolicy p = {}) : World(p) {
    options.events.outcome_not_recorded = [this](const UnrecordedOutcome& outcome) {
      REQUIRE(outcome.cause);
      unrecorded.push_back(outcome.response == nullptr ? std::nullopt
                                                       : std::optional(*outcome.response));
    };
    options.events.store_failed = [this](const std::exception_ptr& cause) {
      store_faults.push_back(*store_error([&] { std::rethrow_exception(cause); }));
    };
  }

  HttpResponse handle(const HttpRequest& request, const HttpContext& where) {
    return HttpIdempotency(service(), options)
        .handle(request, where, [&](const HttpRequest& seen, HttpExecution& execution) {
          REQUIRE(seen == request);
          ++executions;
          const auto run = during;  // which may replace `during`
          if (run) run(execution);
          return answer;
        });
  }
  HttpResponse handle(const HttpRequest& request = charge()) { return handle(request, context()); }
};

}  // namespace nexus::idempotency::test
