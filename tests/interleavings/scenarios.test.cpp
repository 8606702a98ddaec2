// SPDX-License-Identifier: MIT
// The real service under every schedule of every scenario: no guarantee is broken in any.
//
// Takes about a minute without a sanitizer. With the environment variable
// NEXUS_IDEMPOTENCY_INTERLEAVINGS=reduced, as under sanitizers, the scenarios marked `large` are
// left out, and it says so.
#include <cstdint>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <string>
#include <string_view>

#include "interleavings/explorer.hpp"
#include "interleavings/scenarios.hpp"
#include "interleavings/simulation.hpp"
#include "support/catch.hpp"

using namespace interleavings;

namespace {

bool reduced() {
  const char* value = std::getenv("NEXUS_IDEMPOTENCY_INTERLEAVINGS");
  if (value == nullptr || std::string_view(value).empty()) return false;
  if (std::string_view(value) == "reduced") return true;
  FAIL("NEXUS_IDEMPOTENCY_INTERLEAVINGS may only be `reduced`");
  return false;
}

}  // namespace

TEST_CASE("no schedule breaks a guarantee") {
  const bool leave_out = reduced();
  std::uint64_t schedules = 0;
  std::size_t left_out = 0;
  std::size_t run = 0;
  std::cout << "schedules that differ in more than the order of commuting steps, and scenario\n";
  for (const Scenario& scenario : scenarios()) {
    if (leave_out && scenario.large) {
      ++left_out;
      std::cout << " LEFT OUT  " << scenario.name << '\n';
      continue;
    }
    Simulation simulation(scenario);
    const Exploration done = explore(simulation, Reduction::commuting_moves);
    schedules += done.schedules;
    ++run;
    std::cout << std::setw(9) << done.schedules << "  " << scenario.name;
    if (!scenario.bound.empty()) std::cout << " (bounded: " << scenario.bound << ')';
    std::cout << std::endl;

    INFO(scenario.name);
    INFO(simulation.findings().first_violation);
    CHECK(done.schedules > 0);
    CHECK(simulation.findings().violating_schedules == 0);
  }
  std::cout << std::setw(9) << schedules << "  in all, of " << run << " scenarios" << std::endl;
  if (left_out > 0) {
    std::cout << "REDUCED SET: " << left_out
              << " large scenarios were LEFT OUT (NEXUS_IDEMPOTENCY_INTERLEAVINGS=reduced)"
              << std::endl;
  }
}
