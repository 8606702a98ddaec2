// SPDX-License-Identifier: MIT
#include "nexus/idempotency/fingerprint.hpp"

#include <algorithm>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

using namespace std::string_literals;
using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method = "POST";
  std::string path = "/v1/charges";
  std::string query{};
  Headers headers{};
  std::string body{};
};

Request typed(const std::string& content_type, const std::string& body) {
  return {"POST", "/v1/charges", "", {{"Content-Type", content_type}}, body};
}
Request json(const std::string& body) {
  return typed("application/json", body);
}
Request form(const std::string& body) {
  return typed("application/x-www-form-urlencoded", body);
}

RequestHead head_of(const Request& request) {
  return {request.method, request.path, request.query, request.headers};
}

// Also shows that a stream comes to the same, however the body is cut.
std::string print_of(const Request& request, const FingerprintOptions& options = {}) {
  const RequestFingerprinter fingerprinter(options);
  const RequestHead head = head_of(request);
  const RequestFingerprint whole = fingerprinter(head, request.body);
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, request.body.size() + 1}) {
    FingerprintStream stream = fingerprinter.start(head);
    for (std::size_t at = 0; at < request.body.size(); at += step) {
      stream.update(std::string_view(request.body).substr(at, step));
    }
    REQUIRE(stream.finish() == whole);
  }
  return std::string(whole.value());
}

void check_all_different(const std::vector<Request>& requests,
                         const FingerprintOptions& options = {}) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    CAPTURE(i, requests[i].path, requests[i].body);
    CHECK(seen.insert(print_of(requests[i], options)).second);
  }
}

void check_all_same(const std::vector<Request>& requests, const FingerprintOptions& options = {}) {
  const std::string first = print_of(requests.front(), options);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    CAPTURE(i, requests[i].body);
    CHECK(print_of(requests[i], options) == first);
  }
}

TEST_CASE("a fingerprint is sha256: and 64 hex digits", "[fingerprint]") {
  // FIPS 180-4: of "abc", and of nothing.
  CHECK(fingerprint_of_bytes("abc").value() ==
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(fingerprint_of_bytes("").value() ==
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const std::string print = print_of(json("{}"));
  CHECK(print.size() == 71);
  CHECK(print.substr(0, 7) == "sha256:");
  CHECK(print.find_first_not_of("0123456789abcdef", 7) == std::string::npos);
}

// Fingerprints are kept in stores: if one of these changes, every retry across an upgrade is
// answered with a conflict. Computed by hand from the encoding in src/design/0007-fingerprints.md.
// Small parts are put together before they are hashed: what is as long as the room for that, or a
// little shorter or longer, and what comes in any pieces, must come to the same.
TEST_CASE("lengths around that of the hash's buffer", "[fingerprint]") {
  const std::vector<std::pair<std::size_t, std::string>> known{
      {511, "8f635db74975c62baf2dde0e0739fbe268c25c5d5fa6768d7f232dfc502d12ac"},
      {512, "64164443bb63e338ef1cfdb12a57117cd1212270cc935a798f6e8a665cdf4659"},
      {513, "35ade0090e64e74d6ad04204009c23a4e34b82bdf0f4f317fbcc5f26f9b10241"},
      {1025, "c6d8e9905300876046729949cc95c2385221270d389176f7234fe7ac00c4e430"},
  };
  for (const auto& [size, digest] : known) {
    CHECK(fingerprint_of_bytes(std::string(size, 'x')).value() == "sha256:" + digest);
  }
  const RequestFingerprinter fingerprinter;
  for (const std::size_t size : {0U, 1U, 400U, 511U, 512U, 513U, 1024U, 1025U, 3000U}) {
    Request request = typed("text/plain", std::string(size, 'a'));
    for (std::size_t i = 0; i < size; ++i) request.body[i] = static_cast<char>('a' + i % 23);
    const RequestFingerprint whole = fingerprinter(head_of(request), request.body);
    for (const std::size_t step : {1U, 7U, 200U, 511U, 512U, 513U}) {
      FingerprintStream stream = fingerprinter.start(head_of(request));
      for (std::size_t at = 0; at < size; at += step) {
        stream.update(std::string_view(request.body).substr(at, step));
      }
      CAPTURE(size, step);
      CHECK(stream.finish() == whole);
    }
  }
}

TEST_CASE("the encoding stays as it is", "[fingerprint]") {
  FingerprintOptions options;
  options.headers = {"X-Version"};
  Request request = json(R"({"b": 1.0, "a": [true, null]})");
  request.query = "x=1";
  request.headers.emplace_back("x-version", " 2 ");
  CHECK(print_of(request, options) ==
        "sha256:4bde7a00d33406bf802ddfd52098a0a242d9315942a1e6867b615111b30994fb");
  request.headers[0].second = "text/plain";
  CHECK(print_of(request, options) ==
        "sha256:46d20f73ce89d454a2d3c9dc0a48b365819455fbf84a66b323d8ce4b34b0be1a");
  request.headers[0].second = "application/x-www-form-urlencoded";
  request.body = "a=1&b=%20";
  CHECK(print_of(request, options) ==
        "sha256:d77ba16123068d225a72683bcb0b2eda29355879f7ad2a7f4397d19cd8809dcd");
  options.include = {"/a"};
  request.headers[0].second = "application/json";
  request.body = R"({"b": 1.0, "a": [true, null]})";
  CHECK(print_of(request, options) ==
        "sha256:0cac35502fbc2f57680533dd6a21e8471e9256fac955ee1fc97ec92ed89ee2bb");
}

TEST_CASE("method, path, query and body all count, and don't run into one another",
          "[fingerprint]") {
  check_all_different({
      {"POST", "/a", "", {}, ""},
      {"PATCH", "/a", "", {}, ""},
      {"post", "/a", "", {}, ""},
      {"POST", "/b", "", {}, ""},
      {"POST", "/a/", "", {}, ""},
      {"POST", "/A", "", {}, ""},
      {"POST", "/%61", "", {}, ""},
      {"POST", "", "/a", {}, ""},
      {"POST", "/a", "x", {}, ""},
      {"POST", "/ax", "", {}, ""},
      {"POST", "/a", "", {}, "x"},
      {"POST", "/a", "x=1&y=2", {}, ""},
      {"POST", "/a", "y=2&x=1", {}, ""},
      {"POS", "T/a", "", {}, ""},
      {"POST", "/a", "", {{"Content-Type", "x"}}, ""},
      {"POST", "/a", "", {{"Content-Type", "x"}, {"Content-Type", "x"}}, ""},
      {"POST", "/a\0"s, "", {}, ""},
  });
}

TEST_CASE("the chosen headers count, by all their values in order", "[fingerprint]") {
  FingerprintOptions options;
  options.headers = {"X-A", "x-b"};
  const auto with = [](Headers headers) {
    return Request{"POST", "/", "", std::move(headers), ""};
  };
  check_all_different(
      {with({}), with({{"X-A", ""}}), with({{"X-A", "1"}}), with({{"X-B", "1"}}),
       with({{"X-A", "1"}, {"X-B", "1"}}), with({{"X-A", "1"}, {"X-A", "2"}}),
       with({{"X-A", "2"}, {"X-A", "1"}}), with({{"X-A", "1, 2"}}), with({{"X-A", "12"}})},
      options);
  check_all_same({with({{"X-A", "1"}, {"X-B", "2"}}), with({{"x-b", "2"}, {"x-a", "1"}}),
                  with({{"X-A", " \t1 "}, {"X-B", "2\t"}}),
                  with({{"X-A", "1"}, {"Date", "now"}, {"X-B", "2"}, {"X-AB", "3"}})},
                 options);
  // The order in which they are named, and their case, does not matter.
  FingerprintOptions other;
  other.headers = {"X-B", "x-a", "X-A"};
  CHECK(print_of(with({{"X-A", "1"}}), options) == print_of(with({{"X-A", "1"}}), other));
}

TEST_CASE("JSON counts by its canonical form", "[fingerprint]") {
  check_all_same({json(R"({"a":1,"b":[1,2]})"), json(R"( {"b" : [1.0, 2e0], "a" : 1} )"),
                  typed("Application/JSON; charset=UTF-8", R"({"\u0061":1,"b":[1,2]})"),
                  typed("application/json;charset=\"utf-8\"", R"({"a":1,"b":[1,2]})"),
                  typed(" application/json ; x=y", R"({"a":1,"b":[1,2]})")});
  check_all_different({json("{}"), json("[]"), json(""), json("null"), json("{}x"),
                       json(R"({"a":1})"), json(R"({"a":2})"), json(R"({"a":"1"})"),
                       json(R"({"a":1,"a":1})"), json(R"({"a":1,"a":1} )"),
                       json("[18446744073709551615]"), json("[18446744073709551616]"),
                       json("[18446744073709551617]"), json("[-0]"), json("[0]"), json("{}\0"s)});
  // Another type is another request, even with the same bytes.
  check_all_different({json("[1]"),
                       typed("application/merge-patch+json", "[1]"),
                       typed("text/json", "[1]"),
                       typed("text/plain", "[1]"),
                       typed("application/json; charset=latin1", "[1]"),
                       typed("application/x-www-form-urlencoded", "[1]"),
                       {"POST", "/v1/charges", "", {}, "[1]"},
                       typed("application/jsonp", "[1]")});
}

TEST_CASE("JSON without a canonical form counts by its bytes", "[fingerprint]") {
  const std::vector<std::string> bodies{
      R"({"a":1,"a":2})", R"({"a":2,"a":1})", R"({"a":2, "a":1})", "{", "{ ", "1e999", "1e998",
      "\"\\ud800\"",      "\"\xFF\"",         std::string(65, '[')};
  std::vector<Request> requests;
  for (const std::string& body : bodies) requests.push_back(json(body));
  check_all_different(requests);  // and the same each time, as print_of shows
  // Under another heading than a canonical form: bytes that look like one are not taken for it.
  FingerprintOptions small;
  small.max_parsed_bytes = 1;
  CHECK(print_of(json("[1]")) != print_of(json("[1]"), small));
}

TEST_CASE("numbers may be compared as doubles", "[fingerprint]") {
  FingerprintOptions doubles;
  doubles.numbers = JsonNumbers::binary64;
  check_all_same({json("[18446744073709551616]"), json("[18446744073709551617]")}, doubles);
  check_all_different({json("[1]"), json("[2]")}, doubles);
}

TEST_CASE("forms count by their decoded pairs, in order", "[fingerprint]") {
  check_all_same({form("a=1&b=x+y"), form("%61=1&b=x%20y"), form("a=%31&&b=x+y&")});
  check_all_same({form("a=%c3%A9"), form("a=\u00E9")});
  check_all_same({form("a"), form("a=")});
  check_all_different({form(""),
                       form("a=1&b=2"),
                       form("b=2&a=1"),
                       form("a=1&a=2"),
                       form("a=2&a=1"),
                       form("a=1"),
                       form("a=1&b"),
                       form("a=1%26b=2"),
                       form("a%3D1=2"),
                       form("a=1=2"),
                       form("=a"),
                       form("a="),
                       form("A="),
                       form("a=%"),
                       form("a=%25"),
                       form("a=%2"),
                       form("a=%zz"),
                       form("a=%25zz"),
                       form("a=+"),
                       form("a=%2B"),
                       form("a=%00"),
                       typed("application/x-www-form-urlencoded; charset=latin1", "a=1"),
                       typed("text/plain", "a=1")});
  // To some servers these two are different lists of records.
  check_all_different({form("i[][a]=1&i[][b]=2&i[][a]=3"), form("i[][a]=1&i[][a]=3&i[][b]=2")});
}

TEST_CASE("anything else counts by its bytes", "[fingerprint]") {
  for (const char* type : {"multipart/form-data; boundary=x", "application/octet-stream",
                           "text/plain", "", "application/xml"}) {
    CAPTURE(type);
    check_all_different({typed(type, ""), typed(type, "a"), typed(type, "a "), typed(type, "a\0"s),
                         typed(type, R"({"a":1})"), typed(type, R"({"a": 1})"),
                         typed(type, "b=1&a=2")});
  }
  check_all_different({typed("multipart/form-data; boundary=x", "a"),
                       typed("multipart/form-data; boundary=y", "a")});
}

TEST_CASE("a body over the limit counts by its bytes, and is not kept", "[fingerprint]") {
  FingerprintOptions options;
  options.max_parsed_bytes = 9;
  CHECK(print_of(json("[1.0,  2]"), options) == print_of(json("[1,2]"), options));   // 9
  CHECK(print_of(json("[1.0,  2 ]"), options) != print_of(json("[1,2]"), options));  // 10
  CHECK(print_of(json("[1.0,  2 ]"), options) != print_of(json("[1.0 , 2 ]"), options));
  CHECK(print_of(form("a=%3100000"), options) != print_of(form("a=100000"), options));
  // A stream that goes over the limit within a piece, and at its border.
  const RequestFingerprinter fingerprinter(options);
  const Request request = json("[1.0,  2, 3]");
  for (std::size_t cut = 0; cut <= request.body.size(); ++cut) {
    FingerprintStream stream = fingerprinter.start(head_of(request));
    stream.update(request.body.substr(0, cut));
    stream.update(request.body.substr(cut));
    stream.update("");
    CHECK(stream.finish() == fingerprinter(head_of(request), request.body));
  }
}

TEST_CASE("excluded parts of JSON don't count", "[fingerprint]") {
  FingerprintOptions options;
  options.exclude = {"/ts", "/meta/trace", "/items/0/at", "/a~1b/~0", "/list/1"};
  check_all_same({json(R"({"x":1,"ts":5})"), json(R"({"x":1,"ts":[6]})"), json(R"({"x":1})"),
                  json(R"({"ts":{"deep":{}},"x":1})")},
                 options);
  check_all_same({json(R"({"meta":{"trace":1,"k":2}})"), json(R"({"meta":{"k":2}})")}, options);
  check_all_same({json(R"({"items":[{"at":1},{"at":2}]})"), json(R"({"items":[{},{"at":2}]})")},
                 options);
  check_all_same({json(R"({"a/b":{"~":1}})"), json(R"({"a/b":{}})")}, options);
  check_all_same({json(R"({"list":[1,2,3]})"), json(R"({"list":[1,{},3]})")}, options);
  check_all_different(
      {json(R"({"x":1})"), json(R"({"x":2})"), json(R"({})"), json(R"({"meta":{}})"),
       json(R"({"meta":{"k":{"trace":1}}})"), json(R"({"y":{"ts":1}})"), json(R"([])"),
       json(R"({"items":[{"at":1},{"at":2}]})"), json(R"({"items":[{"at":1},{"at":3}]})"),
       json(R"({"items":{"0":{}}})"), json(R"({"list":[1,2,3]})"), json(R"({"list":[1,2,4]})"),
       json(R"({"list":[9,2,3]})"), json(R"({"ts ":1})")},
      options);
  // A name that comes twice makes no JSON, also where it is left out.
  CHECK(print_of(json(R"({"ts":1,"ts":2})"), options) != print_of(json("{}"), options));
}

TEST_CASE("only the included parts of JSON count, if any is named", "[fingerprint]") {
  FingerprintOptions options;
  options.include = {"/amount", "/to/iban", "/list/1"};
  check_all_same({json(R"({"amount":5,"to":{"iban":"X"},"note":"a"})"),
                  json(R"({"to":{"iban":"X","name":"b"},"amount":5.0})")},
                 options);
  check_all_different(
      {json(R"({"amount":5,"to":{"iban":"X"}})"), json(R"({"amount":6,"to":{"iban":"X"}})"),
       json(R"({"amount":5,"to":{"iban":"Y"}})"), json(R"({"amount":5})"), json("{}"),
       json(R"({"amount":null})"), json(R"({"amount":{}})"), json(R"({"list":[1,2]})"),
       json(R"({"list":[1,3]})"), json(R"({"to":{"iban":5}})")},
      options);
  check_all_same({json(R"({"list":[1,2]})"), json(R"({"list":[7,2,8]})")}, options);
  // Exclusion goes before inclusion.
  options.include = {"/a", "/b/c"};
  options.exclude = {"/a/ts", "/b"};
  check_all_same({json(R"({"a":{"ts":1,"x":1}})"), json(R"({"a":{"x":1},"b":{"c":1}})")}, options);
  // The whole body, as a part.
  options.include = {""};
  options.exclude = {};
  check_all_different({json("{}"), json("[]"), json("[1]")}, options);
  check_all_same({json("[1]"), json("[ 1.0 ]")}, options);
}

TEST_CASE("the order in which parts are named does not matter", "[fingerprint]") {
  FingerprintOptions one;
  one.include = {"/a", "/b"};
  FingerprintOptions other;
  other.include = {"/b", "/a", "/b"};
  const Request request = json(R"({"a":1,"b":2,"c":3})");
  CHECK(print_of(request, one) == print_of(request, other));
}

TEST_CASE("options that make no sense are refused", "[fingerprint]") {
  const auto refused = [](const FingerprintOptions& options) {
    try {
      const RequestFingerprinter fingerprinter(options);
      return false;
    } catch (const InvalidValueError&) {
      return true;
    }
  };
  for (const char* pointer : {"a", "a/b", "/~", "/~2", "/a~", "#/a", "/\xFF"}) {
    CAPTURE(pointer);
    FingerprintOptions options;
    options.include = {"/fine", pointer};
    CHECK(refused(options));
    options.include = {};
    options.exclude = {pointer};
    CHECK(refused(options));
  }
  FingerprintOptions options;
  options.exclude = {""};
  CHECK(refused(options));
  options.exclude = {"/", "//", "/~0~1", "/a b"};
  CHECK_FALSE(refused(options));
  options.headers = {""};
  CHECK(refused(options));
  options.headers = {"X"};
  options.max_depth = json_depth_limit + 1;
  CHECK(refused(options));
  options.max_depth = json_depth_limit;
  CHECK_FALSE(refused(options));
}

TEST_CASE("a stream may be moved, and outlive what made it", "[fingerprint]") {
  const Request request = json("[1]");
  std::optional<RequestFingerprinter> fingerprinter(std::in_place);
  FingerprintStream stream = fingerprinter->start(head_of(request));
  stream.update("[");
  FingerprintStream moved = std::move(stream);
  stream = fingerprinter->start(head_of(request));
  fingerprinter.reset();
  moved.update("1]");
  stream.update(request.body);
  CHECK(moved.finish().value() == print_of(request));
  CHECK(stream.finish().value() == print_of(request));
}

}  // namespace
}  // namespace nexus::idempotency::test
