// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_DETAIL_SHARED_BYTES_HPP
#define NEXUS_IDEMPOTENCY_DETAIL_SHARED_BYTES_HPP

// A byte string on the heap, immutable once made and shared by counted handles. It is what makes
// long texts and results O(1) to copy at the price of one allocation; std::shared_ptr<const
// std::string> would take two, and 56 bytes more a result.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <utility>

namespace nexus::idempotency {
inline namespace v0 {
namespace detail {

// A handle; null only when default constructed or moved from.
// Thread-safety: distinct handles, also of the same bytes: safe. One handle: like any value.
class SharedBytes {
 public:
  SharedBytes() noexcept = default;

  // Effects: makes `size` bytes, which `fill(char*)` must all write.
  // Preconditions: size < 2^32; `fill` does not throw.
  // Errors: std::bad_alloc.
  template <class Fill>
  SharedBytes(std::size_t size, Fill&& fill) {
    static_assert(noexcept(fill(static_cast<char*>(nullptr))));
    block_ =
        ::new (::operator new(sizeof(Block) + size)) Block{{1}, static_cast<std::uint32_t>(size)};
    fill(bytes_of(block_));
  }

  SharedBytes(const SharedBytes& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) block_->handles.fetch_add(1, std::memory_order_relaxed);
  }
  SharedBytes(SharedBytes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  SharedBytes& operator=(SharedBytes other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~SharedBytes() {
    if (block_ == nullptr) return;
    // A sole owner needs no read-modify-write: nobody else can make or drop a handle.
    if (block_->handles.load(std::memory_order_acquire) == 1 ||
        block_->handles.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      // The analyzer runs this destructor again for a std::optional that has been reset.
      block_->~Block();  // NOLINT(clang-analyzer-cplusplus.NewDelete)
      ::operator delete(static_cast<void*>(block_));
    }
  }

  explicit operator bool() const noexcept { return block_ != nullptr; }

  // Returns: the bytes; empty for a null handle. Lifetimes: as long as any handle of them.
  [[nodiscard]] std::string_view view() const noexcept {
    if (block_ == nullptr) return {};
    return {bytes_of(block_), block_->size};
  }

 private:
  struct Block {
    std::atomic<std::uint32_t> handles;
    std::uint32_t size;
  };

  static char* bytes_of(Block* block) noexcept {
    return reinterpret_cast<char*>(block) + sizeof(Block);
  }

  Block* block_ = nullptr;
};

}  // namespace detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_DETAIL_SHARED_BYTES_HPP
