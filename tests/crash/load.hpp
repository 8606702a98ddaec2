// SPDX-License-Identifier: MIT
// What the tests with many processes have in common: a place, a load, and the verdict on it.
//
// What they show: whatever a process was doing when SIGKILL ended it, and whatever the others did
// meanwhile, no promise is broken (see judge.hpp), nothing acknowledged is lost, and every command
// comes to a final answer (guarantees G1 to G4, G8, G10 and G11 of the README).
//
// What they don't show: a loss of power. The kernel survives a SIGKILL, and with it everything that
// was written, synced or not; these tests would pass without a single fsync.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "crash/crew.hpp"
#include "crash/event.hpp"
#include "crash/judge.hpp"
#include "crash/orders.hpp"
#include "crash/scratch.hpp"

namespace nexus::idempotency::test {

// Returns: how many of `count` to do in this build: all, or a share under a sanitizer.
[[nodiscard]] std::size_t scaled(std::size_t count);
// Returns: how long to let things go on in this build: processes live longer under a sanitizer, as
// they start and work slowly there.
[[nodiscard]] std::chrono::microseconds gap(std::chrono::microseconds usual);

// A test's place, its log and its randomness.
struct Stage {
  Scratch scratch;
  std::uint64_t seed;
  std::string log = (scratch.path() / "events.log").string();

  // Prints the seed. NEXUS_IDEMPOTENCY_CRASH_SEED in the environment sets it: the same moments and
  // decisions then come up, though not the same interleaving.
  explicit Stage(const std::string& name);

  // Returns: orders for a load in which the same commands are asked for by all, again and again.
  [[nodiscard]] Orders orders(const std::string& engine, const std::string& place) const;
};

// Returns: one more than the greatest command in the log.
[[nodiscard]] std::uint32_t keys_in(const std::vector<Event>& events);

// 8 processes ask for each of 1,000 commands again and again, and at the end all for all of them.
void many_processes(const Stage& stage, const std::string& engine, const std::string& place);

// 8 processes of two threads each, of which one is killed every `gap` on average, until so many
// were.
void many_kills(const Stage& stage, const std::string& engine, const std::string& place,
                std::size_t kills, std::chrono::microseconds gap);

// Effects: reads the log to its end, judges it, compares it with the store in both ways, prints the
// counts, and requires that there is no violation.
// Returns: the counts, to see whether there was enough of everything to mean something.
Counts require_no_violation(const Stage& stage, const Crew& crew, const std::string& engine,
                            const std::string& place);

}  // namespace nexus::idempotency::test
