// SPDX-License-Identifier: MIT
#include "nexus/idempotency/detail/text.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace nexus::idempotency::detail::test {
namespace {

using namespace std::string_view_literals;

static_assert(trim("") == "");
static_assert(trim(" \t\n\r\0\x0B"sv) == "");
static_assert(trim(" a b ") == "a b");
static_assert(trim("\0a\0b\0"sv) == "a\0b"sv);
static_assert(trim("\fa\f") == "\fa\f");
static_assert(trim("a") == "a");

using Storage = TextStorage<39>;

static_assert(sizeof(Storage) == 40);
static_assert(std::is_nothrow_copy_constructible_v<Storage>);
static_assert(std::is_nothrow_copy_assignable_v<Storage>);
static_assert(!std::is_convertible_v<std::string_view, Storage>);

std::string text_of(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text.push_back(static_cast<char>('a' + i % 26));
  return text;
}

// Around the borders of what is stored at once, between bytes in the object and in a block, and of
// one byte's worth.
const std::vector<std::size_t> sizes{0,  1,  7,  8,  9,  15,  16,  17,  24,  31,  32,
                                     33, 38, 39, 40, 41, 127, 128, 254, 255, 256, 512};

bool is_inside(const Storage& storage) {
  const char* first = reinterpret_cast<const char*>(&storage);
  const char* bytes = storage.view().data();
  return bytes >= first && bytes < first + sizeof storage;
}

TEST_CASE("a text is kept at every size, up to the capacity in the object", "[text]") {
  for (const std::size_t size : sizes) {
    const Storage storage(text_of(size), false);
    CAPTURE(size);
    CHECK(storage.view() == text_of(size));
    CHECK(is_inside(storage) == (size <= 39));
  }
}

template <std::size_t Capacity>
void check_sizes_up_to_capacity() {
  for (std::size_t size = 0; size <= Capacity + 1; ++size) {
    for (const bool plain : {true, false}) {
      const TextStorage<Capacity> storage(text_of(size), plain);
      const TextStorage<Capacity> copy = storage;
      CAPTURE(Capacity, size, plain);
      REQUIRE(storage.view() == text_of(size));
      REQUIRE(copy.view() == text_of(size));
      REQUIRE(copy.is_known_plain() == (plain && size <= Capacity));
    }
  }
}

TEST_CASE("of every capacity that is used, every size is kept, and whether it is plain", "[text]") {
  check_sizes_up_to_capacity<39>();
  check_sizes_up_to_capacity<71>();
  check_sizes_up_to_capacity<103>();
}

TEST_CASE("what fill writes is not known to be plain", "[text]") {
  const TextStorage<39> storage(1, [](char* out) noexcept { *out = '"'; });
  CHECK(storage.view() == "\"");
  CHECK_FALSE(storage.is_known_plain());
}

TEST_CASE("any size can be copied, moved and assigned over any other", "[text]") {
  for (const std::size_t from : sizes) {
    for (const std::size_t to : sizes) {
      Storage source(text_of(from), from % 2 == 0);
      Storage target(text_of(to), false);
      CAPTURE(from, to);
      target = source;
      REQUIRE(target.view() == text_of(from));
      REQUIRE(source.view() == text_of(from));
      const Storage copy = target;
      const Storage moved = std::move(target);
      REQUIRE(moved.view() == text_of(from));
      REQUIRE(target.view() == text_of(from));  // NOLINT(bugprone-use-after-move)
      source = Storage(text_of(to), false);
      REQUIRE(copy.view() == text_of(from));
      REQUIRE(is_inside(copy) == (from <= 39));
    }
  }
}

TEST_CASE("a text assigned to itself keeps its bytes", "[text]") {
  for (const std::size_t size : sizes) {
    Storage alone(text_of(size), true);  // no copy keeps the block alive
    Storage& same = alone;
    alone = same;
    CAPTURE(size);
    CHECK(alone.view() == text_of(size));
    alone = std::move(same);
    CHECK(alone.view() == text_of(size));
  }
}

TEST_CASE("a long text is shared by its copies", "[text]") {
  const Storage original(text_of(40), true);
  const Storage copy = original;  // NOLINT(performance-unnecessary-copy-initialization)
  CHECK(copy.view().data() == original.view().data());
}

}  // namespace
}  // namespace nexus::idempotency::detail::test
