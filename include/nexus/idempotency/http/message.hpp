// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_HTTP_MESSAGE_HPP
#define NEXUS_IDEMPOTENCY_HTTP_MESSAGE_HPP

// Requests and responses as plain values. Whoever wraps a framework fills in a request from the
// framework's, and the framework's response from ours; nothing else is to be done.

#include <string>

#include "nexus/idempotency/http/header_fields.hpp"

namespace nexus::idempotency {
inline namespace v0 {

struct HttpRequest {
  std::string method;  // as sent: "POST"
  std::string path;    // as sent, before the "?": nothing is decoded
  std::string query;   // as sent, after the "?"
  HeaderFields headers;
  std::string body;

  [[nodiscard]] friend bool operator==(const HttpRequest&, const HttpRequest&) = default;
};

struct HttpResponse {
  int status = 200;
  HeaderFields headers;
  std::string body;

  [[nodiscard]] friend bool operator==(const HttpResponse&, const HttpResponse&) = default;
};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_HTTP_MESSAGE_HPP
