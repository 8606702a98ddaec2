// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_DETAIL_TOKEN_SOURCE_HPP
#define NEXUS_IDEMPOTENCY_DETAIL_TOKEN_SOURCE_HPP

// Attempt tokens: 128 bits of the kernel's generator each, from a page per thread, so that no
// token costs a system call. The kernel wipes the page in a forked child (MADV_WIPEONFORK), and a
// wiped page is an empty one: parent and child never draw the same token.

#include <sys/mman.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <tuple>

#include "nexus/idempotency/detail/random_bytes.hpp"
#include "nexus/idempotency/detail/text.hpp"
#include "nexus/idempotency/detail/words.hpp"
#include "nexus/idempotency/values.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace detail {

using TokenBits = std::array<unsigned char, 16>;

// A stack of unused random bits. Thread-safety: one thread.
class TokenSource {
 public:
  static TokenSource& of_this_thread() {
    // One a thread and shared library; nothing rests on there being one a process.
    thread_local TokenSource source;
    return source;
  }

  TokenSource() noexcept {
    void* memory =
        ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return;
    if (::madvise(memory, sizeof(Page), MADV_WIPEONFORK) != 0) {  // a kernel before 4.14
      ::munmap(memory, sizeof(Page));
      return;
    }
    page_ = ::new (memory) Page;
  }
  TokenSource(const TokenSource&) = delete;
  TokenSource& operator=(const TokenSource&) = delete;
  ~TokenSource() {
    if (page_ != nullptr) ::munmap(static_cast<void*>(page_), sizeof(Page));
  }

  // Returns: bits that no other draw has returned or will, unless they are put back.
  // Errors: IdempotencyError.
  [[nodiscard]] TokenBits draw() {
    if (page_ == nullptr) {
      TokenBits bits;
      fill_random(bits.data(), bits.size());
      return bits;
    }
    if (page_->unused < page_->stack.size()) page_->stack[page_->unused] = {};  // the last drawn
    if (page_->unused == 0) {
      fill_random(page_->stack.data(), sizeof(page_->stack));
      page_->unused = page_->stack.size();
    }
    return page_->stack[--page_->unused];
  }

  // Effects: makes the bits drawn last, if they certainly went nowhere, the next to be drawn.
  // Others are dropped: among them bits that were drawn before a fork and come back in the child,
  // for the parent has them too, and a child's page knows of no bits but its own.
  // Preconditions: `bits` come from draw().
  void put_back(const TokenBits& bits) noexcept {
    if (page_ == nullptr || page_->unused == page_->stack.size()) return;
    if (page_->stack[page_->unused] == bits) ++page_->unused;
  }

 private:
  struct Page {
    std::size_t unused = 0;
    std::array<TokenBits, 255> stack = {};  // the one at `unused` was drawn last
  };
  static_assert(sizeof(Page) <= 4096);

  Page* page_ = nullptr;
};

// Returns: the bits as 32 hex digits, eight at a time. (In which order they stand is of no
// consequence, they are random.)
[[nodiscard]] inline AttemptToken token_of(const TokenBits& bits) {
  constexpr std::uint64_t low_nibbles = 0x0F * low_bits;
  return TextAccess::made<AttemptToken>(2 * bits.size(), [&](char* out) noexcept {
    for (const std::size_t at : {0U, 8U}) {
      const std::uint64_t word = load_word(reinterpret_cast<const char*>(bits.data()) + at);
      for (const std::uint64_t nibbles : {word & low_nibbles, (word >> 4) & low_nibbles}) {
        const std::uint64_t above_nine = ((nibbles + 6 * low_bits) >> 4) & low_bits;
        const std::uint64_t digits = nibbles + '0' * low_bits + above_nine * ('a' - '9' - 1);
        std::memcpy(out, &digits, sizeof digits);
        out += sizeof digits;
      }
    }
  });
}

}  // namespace detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_DETAIL_TOKEN_SOURCE_HPP
