// SPDX-License-Identifier: MIT
#include "nexus/idempotency/http/message.hpp"

#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

TEST_CASE("messages are equal when every part is", "[http]") {
  const HttpRequest request{"POST", "/p", "q", {{"A", "1"}}, "body"};
  CHECK(request == HttpRequest{"POST", "/p", "q", {{"A", "1"}}, "body"});
  CHECK_FALSE(request == HttpRequest{"PUT", "/p", "q", {{"A", "1"}}, "body"});
  CHECK_FALSE(request == HttpRequest{"POST", "/", "q", {{"A", "1"}}, "body"});
  CHECK_FALSE(request == HttpRequest{"POST", "/p", "", {{"A", "1"}}, "body"});
  CHECK_FALSE(request == HttpRequest{"POST", "/p", "q", {{"A", "2"}}, "body"});
  CHECK_FALSE(request == HttpRequest{"POST", "/p", "q", {{"A", "1"}}, ""});

  const HttpResponse response{201, {{"A", "1"}}, "body"};
  CHECK(response == HttpResponse{201, {{"A", "1"}}, "body"});
  CHECK_FALSE(response == HttpResponse{200, {{"A", "1"}}, "body"});
  CHECK_FALSE(response == HttpResponse{201, {}, "body"});
  CHECK_FALSE(response == HttpResponse{201, {{"A", "1"}}, ""});
  CHECK(HttpResponse{}.status == 200);
}

}  // namespace
}  // namespace nexus::idempotency::test
