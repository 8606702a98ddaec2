// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <vector>

#include "interleavings/simulation.hpp"

namespace interleavings {

// One known mistake, in the store or in the service, and a scenario that shows it.
struct Mutant {
  std::string_view mistake;
  std::string_view breaks;  // one of the guarantees that it breaks
  Scenario scenario;        // with the mistake in it
};

[[nodiscard]] std::vector<Mutant> mutants();

}  // namespace interleavings
