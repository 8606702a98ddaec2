// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_COUNTED_SYNCS_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_COUNTED_SYNCS_HPP

#include <cstdint>

namespace nexus::idempotency::benchmarks {

// How often SQLite has synced files of each kind since the start of the program.
struct SyncCount {
  std::uint64_t log;       // "-wal"
  std::uint64_t database;  // only a checkpoint does that
};

// Effects: from now on, files that SQLite opens are counted: through a default VFS that hands
//   everything on to the one before it. Preconditions: called once, before SQLite is used.
// Errors: std::runtime_error.
void count_syncs();

[[nodiscard]] SyncCount sync_count() noexcept;

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_COUNTED_SYNCS_HPP
