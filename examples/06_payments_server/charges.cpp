// SPDX-License-Identifier: MIT
#include "charges.hpp"

#include <cstddef>
#include <exception>
#include <iostream>
#include <nexus/idempotency/fingerprint.hpp>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "connection.hpp"

namespace payments {
namespace {

// [snippet]
// All that a framework has to be told: its request as ours, and our response as its own.
HttpRequest request_of(const httplib::Request& from, std::string body) {
  const std::size_t mark = from.target.find('?');
  const bool has_query = mark != std::string::npos;
  return {from.method, from.target.substr(0, mark), has_query ? from.target.substr(mark + 1) : "",
          HeaderFields(from.headers.begin(), from.headers.end()), std::move(body)};
}

void send(HttpResponse&& from, httplib::Response& to) {
  to.status = from.status;
  for (auto& [name, value] : from.headers) to.headers.emplace(std::move(name), std::move(value));
  to.body = std::move(from.body);
}
// [/snippet]

HttpResponse problem(int status, const std::string& text) {
  return {status, {{"Content-Type", "application/problem+json"}}, problem_body(status, text)};
}

bool happens(double rate) {
  thread_local std::mt19937 random{std::random_device{}()};
  return std::bernoulli_distribution(rate)(random);
}

// What to tell the operator: nothing of it holds a key, a token or a body.
void log(std::string_view what, const std::exception_ptr& why) {
  std::string line(what);
  try {
    std::rethrow_exception(why);
  } catch (const std::exception& error) {
    line += error.what();
  } catch (...) {
    line += "no exception of a known kind";
  }
  std::cerr << line + '\n';
}

HttpOptions http_options() {
  HttpOptions options;
  options.events.outcome_not_recorded = [](const UnrecordedOutcome& outcome) {
    log("an outcome was not recorded: ", outcome.cause);
  };
  options.events.store_failed = [](const std::exception_ptr& why) {
    log("the store failed: ", why);
  };
  return options;
}

}  // namespace

Charges::Charges(Books& books, const Options& options)
    : books_(books), options_(options), idempotency_(books.service(), http_options()) {}

void Charges::post(const httplib::Request& from, std::string body, httplib::Response& to) const {
  const std::optional<TenantId> tenant = tenant_of(from);
  const std::optional<OperationRef> operation =
      OperationRef::parse("POST " + from.target.substr(0, from.target.find('?')));
  if (!tenant) {
    send(problem(401, "A bearer credential is needed"), to);
    to.set_header("WWW-Authenticate", "Bearer");
    return;
  }
  if (!operation) {
    send(problem(404, "No such resource"), to);
    return;
  }
  bool charged = false;
  const auto charge_now = [&](std::string_view key, const std::string& bytes,
                              HttpExecution* execution) {
    HttpResponse response = charge(
        {std::string(tenant->value()), std::string(operation->value()), std::string(key), bytes},
        execution);
    charged = response.status == 200;
    return response;
  };
  if (options_.without_layer) {
    send(charge_now(from.get_header_value("Idempotency-Key"), body, nullptr), to);
  } else {
    const auto handler = [&](const HttpRequest& request, HttpExecution& execution) {
      return charge_now(execution.attempt()->key.client_key().value(), request.body, &execution);
    };
    send(idempotency_.handle(request_of(from, std::move(body)), {*tenant, *operation}, handler),
         to);
  }
  if (!charged) return;
  // From here on the charge is made, and recorded: whatever happens, a retry gets this response.
  std::this_thread::sleep_for(options_.reply_delay);
  if (happens(options_.drop_reply_rate)) Connection::current().drop();
}

HttpResponse Charges::charge(const Charge& charge, HttpExecution* execution) const {
  std::this_thread::sleep_for(options_.delay);
  // No effect yet: it is recorded as a failure, and a retry executes.
  if (happens(options_.fail_rate)) return problem(500, "It failed by chance; try again");
  return books_.charge(charge, execution);
}

std::optional<TenantId> tenant_of(const httplib::Request& request) {
  constexpr std::string_view scheme = "Bearer ";
  constexpr std::size_t digits = 32;
  if (request.get_header_value_count("Authorization") != 1) return std::nullopt;
  const std::string value = request.get_header_value("Authorization");
  if (!same_header_name(value.substr(0, scheme.size()), scheme)) return std::nullopt;
  const std::size_t begin = value.find_first_not_of(' ', scheme.size());
  if (begin == std::string::npos) return std::nullopt;
  const RequestFingerprint hash = fingerprint_of_bytes(value.substr(begin));
  return TenantId(hash.value().substr(0, std::string_view("sha256:").size() + digits));
}

}  // namespace payments
