// SPDX-License-Identifier: MIT
#include "nexus/idempotency/detail/shared_block.hpp"

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

SharedBytes block_of(std::string_view text) {
  return SharedBytes(text.size(),
                     [text](char* out) noexcept { std::memcpy(out, text.data(), text.size()); });
}

// Counts how many of its kind there are.
struct Counted {
  explicit Counted(std::atomic<int>* count) noexcept : alive(count) { ++*alive; }
  Counted(const Counted& other) noexcept : Counted(other.alive) {}
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*alive; }

  std::atomic<int>* alive;
};
using CountedBlock = SharedBlock<Counted>;

CountedBlock counted(std::atomic<int>& alive) {
  return CountedBlock(
      5, [](char* out) noexcept { std::memcpy(out, "12345", 5); }, &alive);
}

TEST_CASE("a block holds its bytes, at every size", "[shared_block]") {
  for (const std::size_t size : {0U, 1U, 7U, 8U, 9U, 255U, 65536U}) {
    std::string text(size, 'x');
    if (size > 0) text.back() = '\0';
    const SharedBytes block = block_of(text);
    CHECK(block);
    CHECK(block.bytes() == text);
  }
}

TEST_CASE("a handle without a block is null and has no bytes", "[shared_block]") {
  const SharedBytes null;
  CHECK_FALSE(null);
  CHECK(null.bytes().empty());
  const SharedBytes copy = null;  // NOLINT(performance-unnecessary-copy-initialization)
  CHECK_FALSE(copy);
  CHECK(copy.same_block(null));
  CHECK_FALSE(block_of("").same_block(null));
  CHECK(block_of(""));
}

TEST_CASE("copies share the block, moves hand it on", "[shared_block]") {
  SharedBytes first = block_of("text");
  const char* bytes = first.bytes().data();
  SharedBytes copy = first;
  CHECK(copy.same_block(first));
  CHECK(copy.bytes().data() == bytes);
  CHECK_FALSE(copy.same_block(block_of("text")));
  SharedBytes moved = std::move(first);
  CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move)
  CHECK(moved.bytes().data() == bytes);
  SharedBytes& same = moved;
  moved = same;
  moved = std::move(same);
  CHECK(moved.bytes() == "text");
  copy = SharedBytes();
  CHECK(moved.bytes() == "text");
}

TEST_CASE("the last handle destroys the header, once", "[shared_block]") {
  std::atomic<int> alive = 0;
  {
    CountedBlock first = counted(alive);
    CHECK(first.header().alive == &alive);
    CHECK(first.bytes() == "12345");
    CountedBlock second = first;
    CountedBlock third = std::move(first);
    second = CountedBlock();
    CHECK(alive == 1);  // by `third`
    second = counted(alive);
    CHECK(alive == 2);
    third = second;
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
}

TEST_CASE("many threads may copy and drop handles of one block", "[shared_block]") {
  std::atomic<int> alive = 0;
  std::atomic<int> wrong = 0;
  {
    std::vector<std::thread> threads;
    CountedBlock block = counted(alive);
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&wrong, own = block] {
        for (int round = 0; round < 10'000; ++round) {
          const CountedBlock copy = own;
          if (copy.bytes() != "12345") ++wrong;
        }
      });
    }
    block = CountedBlock();  // whichever thread comes last destroys it
    for (std::thread& thread : threads) thread.join();
  }
  CHECK(wrong == 0);
  CHECK(alive == 0);
}

}  // namespace
}  // namespace nexus::idempotency::detail::test
