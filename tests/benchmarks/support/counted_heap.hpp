// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_COUNTED_HEAP_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_COUNTED_HEAP_HPP

// A program that links counted_heap.cpp has its operator new and delete replaced by ones that
// count. Bytes are those of the heap's blocks, their headers and padding included, not those asked
// for.

#include <cstddef>
#include <cstdint>

namespace nexus::idempotency::benchmarks {

struct HeapCount {
  std::uint64_t allocations;  // since the start of the program
  std::int64_t bytes;         // held now
};

[[nodiscard]] HeapCount heap_count() noexcept;

// Returns: how many times `work` allocated.
template <class Work>
[[nodiscard]] std::uint64_t allocations_in(Work&& work) {
  const std::uint64_t before = heap_count().allocations;
  work();
  return heap_count().allocations - before;
}

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_COUNTED_HEAP_HPP
