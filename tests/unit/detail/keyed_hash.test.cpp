// SPDX-License-Identifier: MIT
#include "nexus/idempotency/detail/keyed_hash.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"

// What holds here for 64 random bits could fail by chance: about once in 10^12 runs.
namespace nexus::idempotency::detail::test {
namespace {

std::string text_of(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text.push_back(static_cast<char>(i * 7 + 1));
  return text;
}

TEST_CASE("equal texts have equal hashes, wherever they stand", "[keyed_hash]") {
  const KeyedHash hash;
  const KeyedHash copy = hash;
  for (std::size_t size = 0; size <= 100; ++size) {
    // Exactly as long as the text, so that a sanitizer sees a read beyond it.
    const std::string text = text_of(size);
    const auto other = std::make_unique<char[]>(size);
    std::memcpy(other.get(), text.data(), size);
    REQUIRE(hash({other.get(), size}) == hash(text));
    REQUIRE(copy(text) == hash(text));
  }
}

TEST_CASE("each hash has a key of its own", "[keyed_hash]") {
  std::set<std::uint64_t> values;
  for (int i = 0; i < 100; ++i) {
    const KeyedHash hash;
    values.insert(hash("the same text"));
    values.insert(hash(""));
  }
  CHECK(values.size() == 200);
}

TEST_CASE("every bit of a text, and its length, counts", "[keyed_hash]") {
  std::set<std::string> texts;
  for (std::size_t size = 0; size <= 67; ++size) {
    texts.insert(std::string(size, '\0'));
    std::string text = text_of(size);
    texts.insert(text);
    for (std::size_t bit = 0; bit < 8 * size; ++bit) {
      const auto flip = static_cast<char>(1U << (bit % 8));
      text[bit / 8] = static_cast<char>(text[bit / 8] ^ flip);
      texts.insert(text);
      text[bit / 8] = static_cast<char>(text[bit / 8] ^ flip);
    }
  }
  const KeyedHash hash;
  std::set<std::uint64_t> values;
  for (const std::string& text : texts) values.insert(hash(text));
  CHECK(values.size() == texts.size());
}

TEST_CASE("similar texts spread evenly over the low and the high bits", "[keyed_hash]") {
  const KeyedHash hash;
  std::array<int, 256> low{};
  std::array<int, 256> high{};
  for (int i = 0; i < 65'536; ++i) {
    const std::uint64_t value = hash(R"(["tenant","operation","key-)" + std::to_string(i) + "\"]");
    ++low[value & 0xFF];
    ++high[value >> 56];
  }
  for (std::size_t bucket = 0; bucket < 256; ++bucket) {
    CAPTURE(bucket);
    // 256 are expected, with a standard deviation of 16
    REQUIRE((low[bucket] > 96 && low[bucket] < 416));
    REQUIRE((high[bucket] > 96 && high[bucket] < 416));
  }
}

}  // namespace
}  // namespace nexus::idempotency::detail::test
