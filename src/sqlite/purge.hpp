// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_SQLITE_PURGE_HPP
#define NEXUS_IDEMPOTENCY_SQLITE_PURGE_HPP

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <thread>

namespace nexus::idempotency::sqlite {

inline constexpr std::size_t purge_batch = 256;

// Effects: calls `purge(n)`, which removes at most n records, until `limit` are removed or no more
// match. With `pause` it lets others in between two batches, and not only threads that queue up:
// another process looks for the lock only every millisecond, and would hardly ever find it free.
// Returns: how many were removed.
template <class Purge>
std::size_t purge_in_batches(std::size_t limit, bool pause, Purge purge) {
  std::size_t removed = 0;
  while (removed < limit) {
    const std::size_t batch = std::min(limit - removed, purge_batch);
    const std::size_t now = purge(batch);
    removed += now;
    if (now < batch) break;
    if (pause && removed < limit) std::this_thread::sleep_for(std::chrono::microseconds(1500));
  }
  return removed;
}

}  // namespace nexus::idempotency::sqlite

#endif  // NEXUS_IDEMPOTENCY_SQLITE_PURGE_HPP
