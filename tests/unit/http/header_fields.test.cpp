// SPDX-License-Identifier: MIT
#include "nexus/idempotency/http/header_fields.hpp"

#include <string>
#include <string_view>

#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

TEST_CASE("names of header fields are the same whatever the case of their letters", "[http]") {
  CHECK(same_header_name("Set-Cookie", "sET-cOOKIE"));
  CHECK(same_header_name("", ""));
  CHECK_FALSE(same_header_name("Date", "Dat"));
  CHECK_FALSE(same_header_name("Date", "Dates"));
  CHECK_FALSE(same_header_name("X-A", "X_A"));
  // Bytes that differ as capital and small letters do, but are none.
  CHECK_FALSE(same_header_name("@", "`"));
  CHECK_FALSE(same_header_name("[", "{"));
  CHECK_FALSE(same_header_name("\xC9", "\xE9"));
}

TEST_CASE("which bytes may be in a field", "[http]") {
  CHECK_FALSE(is_header_name(""));
  CHECK(is_header_value(""));
  for (int code = 0; code < 256; ++code) {
    const char byte = static_cast<char>(code);
    const std::string text = "a" + std::string(1, byte) + "b";
    const bool letter_or_digit = (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') ||
                                 (code >= '0' && code <= '9');
    const bool token =
        letter_or_digit ||
        (byte != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(byte) != std::string_view::npos);
    CAPTURE(code);
    CHECK(is_header_name(text) == token);
    CHECK(is_header_value(text) == (byte != '\r' && byte != '\n' && byte != '\0'));
  }
}

}  // namespace
}  // namespace nexus::idempotency::test
