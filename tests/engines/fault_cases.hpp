// SPDX-License-Identifier: MIT
#pragma once

// Every fault of a connection, at every request of every call: the outcome is right or an error
// that says the truth, the same call again is right, and nothing is executed twice. Each case
// prints how many scenarios it has played.

#include <functional>
#include <memory>
#include <vector>

#include "engines/fault_scenario.hpp"

namespace nexus::idempotency::test {

struct Engine {
  std::function<std::unique_ptr<Workplace>()> make_place;
  std::vector<Operation> operations;
};

void calls_take_their_round_trips(const Engine& engine);
void one_fault_anywhere(const Engine& engine);
void two_faults_in_a_row(const Engine& engine);
void stalls_are_given_up(const Engine& engine);
void outages_end(const Engine& engine);

}  // namespace nexus::idempotency::test
