// SPDX-License-Identifier: MIT
#include "nexus/idempotency/http/response_policy.hpp"

#include <limits>
#include <set>
#include <string>

#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

using namespace std::string_literals;

TEST_CASE("results are 2xx, 3xx and 4xx, except those that tell of the moment", "[http]") {
  const ResponsePolicy policy;
  const std::set<int> retryable{401, 403, 408, 409, 425, 429};
  for (int status = -1; status < 1100; ++status) {
    CAPTURE(status);
    const bool expected = status >= 200 && status < 500 && retryable.count(status) == 0;
    REQUIRE(policy.is_result({status, {}, ""}) == expected);
  }
  CHECK_FALSE(policy.is_result({std::numeric_limits<int>::max(), {}, ""}));
  CHECK_FALSE(policy.is_result({std::numeric_limits<int>::min(), {}, ""}));
}

TEST_CASE("which statuses are retryable can be set", "[http]") {
  ResponsePolicy policy;
  policy.retryable_statuses = {404};
  CHECK(policy.is_result({409, {}, ""}));
  CHECK_FALSE(policy.is_result({404, {}, ""}));
  CHECK_FALSE(policy.is_result({500, {}, ""}));
}

TEST_CASE("a rule of one's own decides, among proper statuses", "[http]") {
  ResponsePolicy policy;
  policy.decide = [](const HttpResponse& response) { return response.body == "done"; };
  CHECK(policy.is_result({500, {}, "done"}));
  CHECK(policy.is_result({429, {}, "done"}));
  CHECK_FALSE(policy.is_result({200, {}, "not"}));
  CHECK_FALSE(policy.is_result({0, {}, "done"}));
  CHECK_FALSE(policy.is_result({199, {}, "done"}));
  CHECK_FALSE(policy.is_result({600, {}, "done"}));
}

TEST_CASE("fields of the connection, the client or the moment are not stored", "[http]") {
  const ResponsePolicy policy;
  for (const char* name :
       {"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authentication-Info",
        "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
        "Content-Length", "Date", "Set-Cookie", "Set-Cookie2", "Idempotent-Replayed", "dAtE",
        "SET-COOKIE"}) {
    CAPTURE(name);
    CHECK(policy.storable({{"A", "1"}, {name, "x"}, {"B", "2"}}) ==
          HeaderFields{{"A", "1"}, {"B", "2"}});
  }
  const HeaderFields kept{{"Content-Type", "a"}, {"Location", "/b"},  {"ETag", "c"},
                          {"Link", "d"},         {"Link", "e"},       {"content-type", ""},
                          {"Dates", "f"},        {"Retry-After", "5"}};
  CHECK(policy.storable(kept) == kept);
  CHECK(policy.storable({}).empty());
}

TEST_CASE("nor those that the field Connection names", "[http]") {
  const ResponsePolicy policy;
  CHECK(policy.storable({{"X-Hop", "1"},
                         {"Connection", "close, x-hop ,\tX-Other"},
                         {"X-Other", "2"},
                         {"connection", "X-Third"},
                         {"X-Third", "3"},
                         {"X-Hop-Not", "4"},
                         {"Close", "5"}}) == HeaderFields{{"X-Hop-Not", "4"}});
  CHECK(policy.storable({{"Connection", ",, ,"}, {"A", "1"}}) == HeaderFields{{"A", "1"}});
}

TEST_CASE("nor what would break a response open", "[http]") {
  const ResponsePolicy policy;
  CHECK(policy.storable({{"A", "1\r\nSet-Cookie: x"},
                         {"B", "1\n"},
                         {"C", "a\0b"s},
                         {"D: x", "1"},
                         {"", "1"},
                         {"E\r\n", "1"},
                         {"F", "fine"}}) == HeaderFields{{"F", "fine"}});
}

TEST_CASE("which fields are not stored can be set", "[http]") {
  ResponsePolicy policy;
  policy.unstored_headers = {"x-secret"};
  CHECK(policy.storable({{"X-Secret", "1"}, {"Date", "2"}}) == HeaderFields{{"Date", "2"}});
}

}  // namespace
}  // namespace nexus::idempotency::test
