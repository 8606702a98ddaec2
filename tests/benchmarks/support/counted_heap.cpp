// SPDX-License-Identifier: MIT
#include "benchmarks/support/counted_heap.hpp"

#include <malloc.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace nexus::idempotency::benchmarks {
namespace {

std::atomic<std::uint64_t> allocations{0};
std::atomic<std::int64_t> bytes{0};

// Returns: the size of the block that the heap has cut for this.
std::int64_t block_size(void* memory) noexcept {
  constexpr std::size_t header = sizeof(std::size_t);
  return static_cast<std::int64_t>(malloc_usable_size(memory) + header);
}

void* counted(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  allocations.fetch_add(1, std::memory_order_relaxed);
  bytes.fetch_add(block_size(memory), std::memory_order_relaxed);
  return memory;
}

void release(void* memory) noexcept {
  if (memory == nullptr) return;
  bytes.fetch_sub(block_size(memory), std::memory_order_relaxed);
  std::free(memory);
}

}  // namespace

HeapCount heap_count() noexcept {
  return {allocations.load(), bytes.load()};
}

void* allocate(std::size_t size) {
  return counted(std::malloc(size));
}
void* allocate(std::size_t size, std::align_val_t alignment) {
  const auto align = static_cast<std::size_t>(alignment);
  return counted(std::aligned_alloc(align, (size + align - 1) / align * align));
}
void deallocate(void* memory) noexcept {
  release(memory);
}

}  // namespace nexus::idempotency::benchmarks

namespace counted = nexus::idempotency::benchmarks;

// The others of the standard library call these.
void* operator new(std::size_t size) {
  return counted::allocate(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted::allocate(size, alignment);
}
void operator delete(void* memory) noexcept {
  counted::deallocate(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  counted::deallocate(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  counted::deallocate(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  counted::deallocate(memory);
}
