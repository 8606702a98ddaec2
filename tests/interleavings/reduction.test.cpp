// SPDX-License-Identifier: MIT
// The reduced search leaves nothing out: it ends in the same states and shows the same violations
// as the full one. Compared on every scenario cut down to every two of its callers, with the right
// code and with broken code; and with time beside the two where the full search is not too long.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <set>
#include <string>
#include <vector>

#include "interleavings/explorer.hpp"
#include "interleavings/mutants.hpp"
#include "interleavings/scenarios.hpp"
#include "interleavings/simulation.hpp"
#include "support/catch.hpp"

using namespace interleavings;

namespace {

struct Seen {
  Exploration done;
  Findings findings;
};

Seen seen(const Scenario& scenario, Reduction reduction) {
  Simulation simulation(scenario, true);
  const Exploration done = explore(simulation, reduction);
  return {done, simulation.findings()};
}

struct Totals {
  std::uint64_t full = 0;
  std::uint64_t reduced = 0;
  std::size_t scenarios = 0;
  std::size_t too_long = 0;
  std::size_t violating = 0;
};

// Some hundred times as many in full.
constexpr std::uint64_t most_reduced_schedules = 150;

void compare(const Scenario& scenario, Totals& totals) {
  const Seen fewer = seen(scenario, Reduction::commuting_moves);
  if (fewer.done.schedules > most_reduced_schedules) {
    ++totals.too_long;
    return;
  }
  const Seen all = seen(scenario, Reduction::none);
  totals.full += all.done.schedules;
  totals.reduced += fewer.done.schedules;
  ++totals.scenarios;
  if (all.findings.violating_schedules > 0) ++totals.violating;
  INFO(scenario.name);
  CHECK(all.done.abandoned == 0);
  CHECK(fewer.done.schedules <= all.done.schedules);
  CHECK(fewer.findings.final_states == all.findings.final_states);
  CHECK(fewer.findings.violations == all.findings.violations);
}

// Compares every two callers of the scenario, who lose at most one answer each.
void compare_pairs(const Scenario& scenario, Totals& totals) {
  std::vector<Process> callers;
  std::vector<Process> time;
  for (const Process& process : scenario.processes) {
    (process.passes_time ? time : callers).push_back(process);
  }
  for (Process& caller : callers) caller.lost_answers = std::min(caller.lost_answers, 1);
  for (std::size_t i = 0; i < callers.size(); ++i) {
    for (std::size_t j = i + 1; j < callers.size(); ++j) {
      Scenario pair = scenario;
      pair.name += ": " + callers[i].name + " and " + callers[j].name;
      pair.processes = {callers[i], callers[j]};
      compare(pair, totals);
      if (time.empty()) continue;
      pair.name += " and time";
      pair.processes.insert(pair.processes.end(), time.begin(), time.end());
      compare(pair, totals);
    }
  }
}

void report(const Totals& totals) {
  std::cout << totals.scenarios << " compared, " << totals.violating
            << " of them with violations: " << totals.full << " schedules in full, "
            << totals.reduced << " reduced; " << totals.too_long << " too long in full"
            << std::endl;
}

}  // namespace

TEST_CASE("the reduced search finds what the full one finds, of the right code") {
  Totals totals;
  for (const Scenario& scenario : scenarios()) {
    compare_pairs(scenario, totals);
  }
  report(totals);
  CHECK(totals.violating == 0);
  CHECK(totals.reduced < totals.full / 2);
}

TEST_CASE("the reduced search finds what the full one finds, of broken code") {
  Totals totals;
  for (const Mutant& mutant : mutants()) {
    compare_pairs(mutant.scenario, totals);
  }
  report(totals);
  CHECK(totals.violating > 0);
  CHECK(totals.reduced < totals.full / 2);
}
