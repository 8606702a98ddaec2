// SPDX-License-Identifier: MIT
// Reads the log of a crash test and says which promises were broken.
//
// It accuses only where the log proves it: "before" is always a place in the log, so what two
// processes did at the same time is never held against them; leases are compared by the times that
// the attempts themselves stated. What a process did not get to write down did not happen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "crash/event.hpp"
#include "nexus/idempotency/record.hpp"

namespace nexus::idempotency::test {

struct Counts {
  std::size_t workers = 0;     // processes that got as far as to open their store
  std::size_t executions = 0;  // of which:
  std::size_t takeovers = 0;   //   after an execution whose lease had lapsed
  std::size_t retries = 0;     //   after one that reported a failure
  std::size_t completed = 0;   // acknowledged
  std::size_t failed = 0;      // acknowledged
  std::size_t renewed = 0;     // acknowledged
  std::size_t replays = 0;
  std::size_t waits = 0;     // "in progress"
  std::size_t refusals = 0;  // outcomes and renewals that came too late
  std::size_t in_doubt = 0;  // answers of the store; the service copes with most
  std::size_t unavailable = 0;
  std::size_t contended = 0;
  std::size_t exhausted = 0;
  std::size_t in_doubt_told = 0;  // errors of the service
  std::size_t own_crashes = 0;    // processes that killed themselves at a chosen point
  std::size_t cut_calls = 0;      // calls in which a process was killed
  std::size_t server_restarts = 0;
};

// The final answer of a command: from the log, what callers were told; from the store, its record.
struct Settled {
  RecordStatus status{};
  std::uint64_t fence = 0;
  std::string outcome;  // as describe() names it

  [[nodiscard]] friend bool operator==(const Settled&, const Settled&) = default;
};

using Answers = std::map<std::uint32_t, Settled>;  // by the command's number

struct Judgement {
  Counts counts;
  Answers settled;
  std::vector<std::string> violations;
};

[[nodiscard]] Judgement judge(const std::vector<Event>& events);

// Returns: the violations: a final answer, acknowledged or replayed, that isn't in the store as it
// was given; and commands below `keys` that were left without one.
[[nodiscard]] std::vector<std::string> compare(const Judgement& judgement, const Answers& stored,
                                               std::uint32_t keys);

[[nodiscard]] std::string to_string(const Counts& counts);

}  // namespace nexus::idempotency::test
