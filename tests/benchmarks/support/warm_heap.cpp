// SPDX-License-Identifier: MIT
#include "benchmarks/support/warm_heap.hpp"

#include <cstddef>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace nexus::idempotency::benchmarks {
namespace {

void touch(std::size_t bytes) {
  constexpr std::size_t chunk = 1 << 20;
  constexpr std::size_t page = 4096;
  std::vector<std::unique_ptr<char[]>> chunks;
  for (std::size_t done = 0; done < bytes; done += chunk) {
    chunks.emplace_back(new char[chunk]);
    for (std::size_t i = 0; i < chunk; i += page) {
      const_cast<volatile char&>(chunks.back()[i]) = 1;
    }
  }
}

}  // namespace

void keep_heap() {
#ifdef __GLIBC__
  constexpr int one_heap_of_an_arena = 64 << 20;  // with this as padding, glibc never unmaps one
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, one_heap_of_an_arena);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
#endif
}

void warm_heap(std::size_t bytes) {
  touch(bytes);
  std::thread([bytes] { touch(bytes); }).join();
}

}  // namespace nexus::idempotency::benchmarks
