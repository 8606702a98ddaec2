// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_SLICES_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_SLICES_HPP

// A disk's rate of syncs drifts by tens of percent within seconds. So what is compared runs in
// slices of a fraction of a second, in turn, forwards and then backwards, all within one benchmark
// of the suite, and a round's ratio is that of the sums.

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "benchmarks/support/suite.hpp"

namespace nexus::idempotency::benchmarks {

// What a thread does over and over.
struct Operation {
  // Returns: how many items that was; 0: nothing is left to do in this slice.
  std::function<std::size_t(std::size_t thread)> run;
  // Called before each run, and not measured: makes what the caller would have at hand.
  std::function<void(std::size_t thread)> arrange = [](std::size_t) {};

  std::size_t operator()(std::size_t thread) const {
    arrange(thread);
    return run(thread);
  }
};

// One of what runs in turn. Its counters are named after it: <name>, items per second of all its
// threads together, while they run; <name>_mean, <name>_p50 and <name>_p99, how long a run takes,
// in microseconds.
struct Side {
  std::string name;
  Operation operation;
  std::size_t threads = 1;
  // Called by one thread before each slice, and not measured.
  std::function<void()> prepare = [] {};
};

struct Turns {
  std::chrono::milliseconds slice{100};
  int slices = 4;  // of each side in a round; even, so that each runs first as often as last
};

// Effects: adds a benchmark that runs these sides in turn; before its first round, one slice of
// each that is not measured. What an operation throws ends the program with its message.
void add_turns(Suite& suite, const std::string& name, Turns turns, std::vector<Side> sides);

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_SLICES_HPP
