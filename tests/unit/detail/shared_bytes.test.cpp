// SPDX-License-Identifier: MIT
#include "nexus/idempotency/detail/shared_bytes.hpp"

#include <atomic>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace nexus::idempotency::detail::test {
namespace {

static_assert(sizeof(SharedBytes) == sizeof(void*));
static_assert(std::is_nothrow_default_constructible_v<SharedBytes>);
static_assert(std::is_nothrow_copy_constructible_v<SharedBytes>);
static_assert(std::is_nothrow_move_constructible_v<SharedBytes>);
static_assert(!std::is_convertible_v<SharedBytes, bool>);

SharedBytes bytes_of(std::string_view text) {
  return SharedBytes(text.size(),
                     [text](char* out) noexcept { std::memcpy(out, text.data(), text.size()); });
}

TEST_CASE("a handle holds its bytes, at every size", "[shared_bytes]") {
  for (const std::size_t size : {0U, 1U, 7U, 8U, 9U, 255U, 65536U}) {
    std::string text(size, 'x');
    if (size > 0) text.back() = '\0';
    const SharedBytes bytes = bytes_of(text);
    CHECK(bytes);
    CHECK(bytes.view() == text);
  }
}

TEST_CASE("a handle of nothing is null and has no bytes", "[shared_bytes]") {
  const SharedBytes null;
  CHECK_FALSE(null);
  CHECK(null.view().empty());
  const SharedBytes copy = null;  // NOLINT(performance-unnecessary-copy-initialization)
  CHECK_FALSE(copy);
  CHECK(bytes_of(""));
}

TEST_CASE("copies share the bytes, moves hand them on", "[shared_bytes]") {
  SharedBytes first = bytes_of("text");
  const char* data = first.view().data();
  SharedBytes copy = first;
  CHECK(copy.view().data() == data);
  SharedBytes moved = std::move(first);
  CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move)
  CHECK(moved.view().data() == data);
  SharedBytes& same = moved;
  moved = same;
  moved = std::move(same);
  CHECK(moved.view() == "text");
  copy = SharedBytes();
  CHECK(moved.view() == "text");
}

// That the last handle frees the bytes, and no other does, is for the sanitizers to see.
TEST_CASE("many threads may copy and drop handles of the same bytes", "[shared_bytes]") {
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  SharedBytes bytes = bytes_of("12345");
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&wrong, own = bytes] {
      for (int round = 0; round < 10'000; ++round) {
        const SharedBytes copy = own;
        if (copy.view() != "12345") ++wrong;
      }
    });
  }
  bytes = SharedBytes();  // whichever thread comes last frees them
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace nexus::idempotency::detail::test
