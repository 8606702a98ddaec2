// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_OPERATIONS_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_OPERATIONS_HPP

// What is measured of the library's stores: calls of the ports, as the service makes them, and the
// service's own. by_hand_operations.hpp has the same of the clients written by hand.

#include <cstddef>
#include <cstdint>

#include "benchmarks/durable/slices.hpp"
#include "benchmarks/support/requests.hpp"
#include "nexus/idempotency/ports.hpp"

namespace nexus::idempotency::benchmarks {

// How many records one purge may remove: what fits into one transaction of either store.
inline constexpr std::size_t purge_limit = 100;
// Records to be purged have lapsed before it; no others have.
inline constexpr std::int64_t purge_before = 1'000'000'000'000;

// Of all: the answers are checked, a wrong one throws std::logic_error. What the ports are called
// with is made beforehand, what the service is called with is not. The store must outlive the
// operation. `seed` is another for each operation on a table.

// Claims a new key and completes it.
[[nodiscard]] Operation first_executions(IdempotencyStore& store, std::uint64_t seed);
[[nodiscard]] Operation first_executions_by_service(IdempotencyStore& store, std::uint64_t seed);

// Claims one of the keys that have been completed, at random.
[[nodiscard]] Operation replays(IdempotencyStore& store, const Requests& completed);
[[nodiscard]] Operation replays_by_service(IdempotencyStore& store, const Requests& completed);

// Claims a key whose lease has lapsed, and takes it over; the new lease has lapsed as well.
// No two threads have the same key.
[[nodiscard]] Operation takeovers(IdempotencyStore& store, const Requests& lapsed,
                                  std::uint64_t seed);

[[nodiscard]] Operation purges(IdempotencyStore& store);

// Effects: records these as completed, or as claimed with a lease that has lapsed; by two threads,
// or, as the connection of a transaction requires it, by one.
void fill(IdempotencyStore& store, const Requests& completed, std::size_t threads);
void fill_lapsed(IdempotencyStore& store, const Requests& lapsed);

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_OPERATIONS_HPP
