// SPDX-License-Identifier: MIT
#pragma once

// A process that executes commands, to be killed:
//   <worker> <target> one_transaction|claim_first <fatal> <now> <first> <last>
// It executes the commands from number <first> to <last>. <fatal>: it kills itself at that step,
// 0: never. <now>: the time in microseconds at which it believes to be; 0: the host's, and then its
// leases are so short that others take over, and it goes on until all are done.
//   <worker> <target> purge <before> <limit>
// It purges as long as there is something, so many records at a time, and writes how many it was.

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>

#include "engines/ledger.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"

namespace nexus::idempotency::test {

inline long fatal_step = 0;
inline long step = 0;

// Between any two steps, something has been asked of the engine.
inline void next_step() {
  if (++step == fatal_step) raise(SIGKILL);
}

// Effects: one command, as often as it takes if others have a hand in it.
// Errors: std::runtime_error if the command can't be executed though nobody else is there.
template <class Ledger>
void work_at(Ledger& ledger, IdempotencyClock& clock, Pattern pattern, const std::string& command,
             bool alone) {
  IdempotencyPolicy policy;
  policy.pending_ttl = alone ? std::chrono::minutes(1) : std::chrono::milliseconds(3);
  for (;;) {
    std::string answer;
    try {
      answer = run_command(ledger, clock, pattern, command, policy);
    } catch (const CompletionError& error) {
      if (alone) throw;
      answer = error.what();  // another took it over, and the row is not kept
    } catch (const StoreError& error) {
      if (alone || !error.is_transient()) throw;
    }
    if (answer.starts_with("executed") || answer.starts_with("replayed")) return;
    if (alone) throw std::runtime_error("the command is " + answer);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

inline void purge(IdempotencyStore& store, Timestamp before, std::size_t limit) {
  std::size_t removed = 0;
  for (std::size_t now = 1; now > 0;) {
    now = store.purge_expired(before, limit);
    removed += now;
  }
  std::cout << removed << std::endl;
}

template <class Ledger>
int work(int argc, char** argv) {
  try {
    if (argc == 5 && std::string(argv[2]) == "purge") {
      Ledger ledger(argv[1]);
      purge(ledger.claims(), Timestamp(Duration(std::stoll(argv[3]))), std::stoul(argv[4]));
      return EXIT_SUCCESS;
    }
    if (argc != 7) throw std::runtime_error("six arguments are needed");
    const std::string target = argv[1];
    const Pattern pattern =
        std::string(argv[2]) == "claim_first" ? Pattern::claim_first : Pattern::one_transaction;
    fatal_step = std::stol(argv[3]);
    const std::int64_t now = std::stoll(argv[4]);
    testing::ManualClock manual{Timestamp(Duration(now))};
    SystemClock system;
    IdempotencyClock& clock = now == 0 ? static_cast<IdempotencyClock&>(system) : manual;
    Ledger ledger(target);
    std::cout << "ready" << std::endl;
    for (long i = std::stol(argv[5]); i <= std::stol(argv[6]); ++i) {
      work_at(ledger, clock, pattern, std::to_string(i), now != 0);
    }
    next_step();
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::cerr << argv[0] << ": " << error.what() << '\n';
    return EXIT_FAILURE;
  }
}

}  // namespace nexus::idempotency::test
