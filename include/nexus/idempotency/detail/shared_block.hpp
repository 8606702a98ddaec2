// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_DETAIL_SHARED_BLOCK_HPP
#define NEXUS_IDEMPOTENCY_DETAIL_SHARED_BLOCK_HPP

// One heap block that holds a header and a run of bytes behind it, immutable once made and shared
// by counted handles. It is what makes keys, long values and results O(1) to copy at the price of
// one allocation; std::shared_ptr<const std::string> would take two, and 56 bytes more a result.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <utility>

namespace nexus::idempotency {
inline namespace v0 {
namespace detail {

struct NoHeader {};

// A handle; null only when default constructed or moved from.
// Thread-safety: distinct handles, also of one block: safe. One handle: like any value.
template <class Header>
class SharedBlock {
 public:
  SharedBlock() noexcept = default;

  // Effects: makes a block with a header of `args` and `size` bytes, which `fill` must all write.
  // Preconditions: size < 2^32; neither the header's construction nor `fill` throws.
  // Errors: std::bad_alloc.
  template <class Fill, class... Args>
  SharedBlock(std::size_t size, Fill&& fill, const Args&... args) {
    static_assert(noexcept(fill(static_cast<char*>(nullptr)))&& noexcept(Header{args...}));
    block_ = ::new (::operator new(sizeof(Block) + size))
        Block{{1}, static_cast<std::uint32_t>(size), Header{args...}};
    fill(bytes_of(block_));
  }

  SharedBlock(const SharedBlock& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) block_->handles.fetch_add(1, std::memory_order_relaxed);
  }
  SharedBlock(SharedBlock&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  SharedBlock& operator=(SharedBlock other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~SharedBlock() { release(); }

  explicit operator bool() const noexcept { return block_ != nullptr; }

  // Preconditions: the handle is not null.
  [[nodiscard]] const Header& header() const noexcept { return block_->header; }

  // Returns: the bytes; empty for a null handle. Lifetimes: as long as any handle of the block.
  [[nodiscard]] std::string_view bytes() const noexcept {
    if (block_ == nullptr) return {};
    return {bytes_of(block_), block_->size};
  }

  [[nodiscard]] bool same_block(const SharedBlock& other) const noexcept {
    return block_ == other.block_;
  }

 private:
  struct Block {
    std::atomic<std::uint32_t> handles;
    std::uint32_t size;
    [[no_unique_address]] Header header;
  };

  static char* bytes_of(Block* block) noexcept {
    return reinterpret_cast<char*>(block) + sizeof(Block);
  }

  void release() noexcept {
    if (block_ == nullptr) return;
    // A sole owner needs no read-modify-write: nobody else can make or drop a handle.
    if (block_->handles.load(std::memory_order_acquire) == 1 ||
        block_->handles.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      block_->~Block();
      ::operator delete(static_cast<void*>(block_));
    }
  }

  Block* block_ = nullptr;
};

using SharedBytes = SharedBlock<NoHeader>;

}  // namespace detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_DETAIL_SHARED_BLOCK_HPP
