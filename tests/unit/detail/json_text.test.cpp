// SPDX-License-Identifier: MIT
#include "nexus/idempotency/detail/json_text.hpp"

#include <cstddef>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>

#include "support/catch.hpp"

namespace nexus::idempotency::detail::test {
namespace {

// Requires that `size` bytes were announced, written, and no more.
std::string escaped(std::string_view text) {
  constexpr std::size_t margin = 16;
  const std::size_t size = escaped_size(text);
  std::string out(size + margin, '#');
  const char* end = write_escaped(out.data(), text, size);
  REQUIRE(end == out.data() + size);
  REQUIRE(out.substr(size) == std::string(margin, '#'));
  out.resize(size);
  return out;
}

std::string reference(const std::string& text) {
  const std::string quoted = nlohmann::json(text).dump();
  return quoted.substr(1, quoted.size() - 2);
}

TEST_CASE("every byte is escaped as nlohmann escapes it", "[json_text]") {
  for (int code = 0; code < 0x80; ++code) {
    const std::string byte(1, static_cast<char>(code));
    CAPTURE(code);
    REQUIRE(escaped(byte) == reference(byte));
  }
  CHECK(escaped("\"\\\b\f\n\r\t") == R"(\"\\\b\f\n\r\t)");
  using namespace std::string_view_literals;
  CHECK(escaped("\0\x01\x0B\x1F\x7F/"sv) == "\\u0000\\u0001\\u000b\\u001f\x7F/");
  CHECK(escaped("") == "");
}

TEST_CASE("a byte to be escaped is seen at every place of a text", "[json_text]") {
  for (const char byte : {'"', '\\', '\n', '\0', '\x1F'}) {
    for (std::size_t before = 0; before <= 20; ++before) {
      for (std::size_t after = 0; after <= 20; ++after) {
        const std::string text = std::string(before, 'x') + byte + std::string(after, '\x7F');
        CAPTURE(byte, before, after);
        REQUIRE(escaped(text) == reference(text));
      }
    }
  }
}

TEST_CASE("what needs no escape is copied, at every length", "[json_text]") {
  for (std::size_t size = 0; size <= 70; ++size) {
    const std::string ascii(size, '~');
    REQUIRE(escaped(ascii) == ascii);
    std::string euros;
    while (euros.size() < size) euros += "\u20AC";
    REQUIRE(escaped(euros) == reference(euros));
  }
}

TEST_CASE("random ASCII is escaped as nlohmann escapes it", "[json_text]") {
  std::mt19937 random(20240229);
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 40, ' ');
    // one round in two is rich in bytes to be escaped
    for (char& byte : text) byte = static_cast<char>(random() % (round % 2 == 0 ? 0x30 : 0x80));
    REQUIRE(escaped(text) == reference(text));
  }
}

}  // namespace
}  // namespace nexus::idempotency::detail::test
