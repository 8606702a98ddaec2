// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_LOCK_CLOCK_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_LOCK_CLOCK_HPP

// A program that links lock_clock.cpp has pthread_mutex_lock and pthread_mutex_unlock, and so
// std::mutex, replaced by ones that can measure how long each lock is held. The code that is
// measured knows nothing of it.

#include <cstddef>
#include <vector>

namespace nexus::idempotency::benchmarks {

enum class LockTime {
  wall,       // what waiters wait for; includes whatever else the machine ran meanwhile
  processor,  // the holder's own work; costs a system call a measurement
};

struct LockHolds {
  // Microseconds that this thread held locks, by how many others it held already.
  std::vector<double> outermost;
  std::vector<double> nested;
};

// Returns: what this thread held while it ran `work`. At most `room` holds of each kind are kept.
// Preconditions: locks are released in the reverse order, no more than four at a time are held,
// and none is held at the start.
void start_lock_clock(LockTime time, std::size_t room);
[[nodiscard]] LockHolds stop_lock_clock();

template <class Work>
[[nodiscard]] LockHolds lock_holds_of(LockTime time, std::size_t room, Work&& work) {
  start_lock_clock(time, room);
  work();
  return stop_lock_clock();
}

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_LOCK_CLOCK_HPP
