// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_WARM_HEAP_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_WARM_HEAP_HPP

#include <cstddef>

namespace nexus::idempotency::benchmarks {

// The first touch of a page takes as long as many calls of what is measured, and would be all that
// a benchmark of inserts shows. On a C library other than glibc these may not be enough.

// Effects: from now on the heap keeps what it has had, and threads share two arenas of it, the
//   first of which is this thread's. Preconditions: no other thread has been started.
void keep_heap();

// Effects: touches so many bytes of what is free in each arena.
void warm_heap(std::size_t bytes);

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_WARM_HEAP_HPP
