// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_FOOTPRINT_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_FOOTPRINT_HPP

#include <cstddef>
#include <memory>

#include "benchmarks/subjects.hpp"
#include "benchmarks/support/counted_heap.hpp"
#include "benchmarks/support/filled.hpp"
#include "benchmarks/support/requests.hpp"

namespace nexus::idempotency::benchmarks {

// What of a record can't be saved: the bytes of tenant, operation, client key, fingerprint, token
// and result.
inline constexpr double payload_per_record =
    static_cast<double>(tenant.size() + operation.size() + sizeof(Request::client_key_bytes) +
                        sizeof(Request::fingerprint_bytes) + 32 + result_size);

// Returns: the heap bytes per completed record over its payload, with `count` records.
template <class Subject>
[[nodiscard]] double overhead_per_record(std::size_t count) {
  const Requests requests = make_requests(count, 0x10);
  const std::int64_t before = heap_count().bytes;
  const std::shared_ptr<Subject> subject = filled_with<Subject>(requests);
  const std::int64_t held = heap_count().bytes - before;
  return static_cast<double>(held) / static_cast<double>(count) - payload_per_record;
}

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_FOOTPRINT_HPP
