// SPDX-License-Identifier: MIT
#include "nexus/idempotency/detail/words.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "support/catch.hpp"

namespace nexus::idempotency::detail::test {
namespace {

// Exactly as long as the text, so that a sanitizer sees a read beyond it.
class ExactText {
 public:
  explicit ExactText(std::size_t size) : bytes_(std::make_unique<char[]>(size)), size_(size) {
    for (std::size_t i = 0; i < size; ++i) bytes_[i] = static_cast<char>('a' + i % 26);
  }
  [[nodiscard]] char& operator[](std::size_t at) { return bytes_[at]; }
  [[nodiscard]] std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_;
};

TEST_CASE("a text is plain or not by each of its bytes, at every place", "[words]") {
  for (std::size_t size = 0; size <= 70; ++size) {
    ExactText text(size);
    CAPTURE(size);
    REQUIRE(is_plain(text.view()));
    for (std::size_t at = 0; at < size; ++at) {
      const char before = text[at];
      for (unsigned byte = 0; byte < 256; ++byte) {
        text[at] = static_cast<char>(byte);
        const bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
        CAPTURE(at, byte);
        REQUIRE(is_plain(text.view()) == plain);
        REQUIRE(is_plain(text.view().substr(0, at)));
        REQUIRE(is_plain(text.view().substr(at + 1)));
      }
      text[at] = before;
    }
  }
}

TEST_CASE("the last bytes of a text, zeros behind them", "[words]") {
  for (std::size_t size = 0; size <= 40; ++size) {
    const ExactText text(size);
    // Of a shorter text, all of it.
    for (std::size_t count = size < 16 ? size : 0; count <= std::min<std::size_t>(size, 15);
         ++count) {
      const WordPair pair = last_bytes(text.view(), count);
      std::array<char, 16> expected{};
      std::memcpy(expected.data(), text.view().data() + size - count, count);
      CAPTURE(size, count);
      REQUIRE(std::memcmp(&pair, expected.data(), expected.size()) == 0);
    }
  }
}

TEST_CASE("a short text is filled up with the filler", "[words]") {
  for (std::size_t size = 0; size <= 8; ++size) {
    const ExactText text(size);
    const std::uint64_t word = short_word(text.view(), '#');
    CHECK(std::memcmp(&word, (std::string(text.view()) + "########").data(), sizeof word) == 0);
  }
}

TEST_CASE("copy_text writes the text and nothing beside it", "[words]") {
  for (std::size_t size = 0; size <= 70; ++size) {
    const ExactText text(size);
    std::string out(size + 16, '#');
    copy_text(out.data() + 8, text.view());
    REQUIRE(out == "########" + std::string(text.view()) + "########");
  }
}

TEST_CASE("load_word reads from any address", "[words]") {
  const char bytes[] = "0123456789abcdef";
  for (std::size_t at = 0; at <= 8; ++at) {
    const std::uint64_t word = load_word(bytes + at);
    CHECK(std::memcmp(&word, bytes + at, sizeof word) == 0);
  }
}

}  // namespace
}  // namespace nexus::idempotency::detail::test
