// SPDX-License-Identifier: MIT
// The proof that the scenarios can fail: each known mistake is made on purpose, and a scenario has
// to show the guarantee that it breaks.
#include "interleavings/mutants.hpp"

#include <algorithm>
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <string>

#include "interleavings/explorer.hpp"
#include "interleavings/simulation.hpp"
#include "support/catch.hpp"

using namespace interleavings;

TEST_CASE("every known mistake is noticed") {
  std::uint64_t schedules = 0;
  for (const Mutant& mutant : mutants()) {
    Simulation simulation(mutant.scenario);
    const Exploration done = explore(simulation, Reduction::commuting_moves);
    const Findings& findings = simulation.findings();
    schedules += done.schedules;

    std::cout << mutant.mistake << ": " << findings.violating_schedules << " of " << done.schedules
              << " schedules violate a guarantee in: " << mutant.scenario.name << '\n';
    for (const std::string& violation : findings.violations) {
      std::cout << "    " << violation << '\n';
    }
    std::cout << std::flush;
    INFO(mutant.mistake << " in: " << mutant.scenario.name);
    CHECK(findings.violating_schedules > 0);
    CHECK(std::any_of(findings.violations.begin(), findings.violations.end(),
                      [&](const std::string& violation) {
                        return violation.starts_with(std::string(mutant.breaks) + ":");
                      }));
  }
  std::cout << schedules << " schedules of broken code" << std::endl;
}
