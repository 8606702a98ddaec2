// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <vector>

#include "interleavings/simulation.hpp"

namespace interleavings {

// By family; each adds its own. With one caller instead of two where `callers` says so.
void three_callers(std::vector<Scenario>& all);
void owners(std::vector<Scenario>& all, int callers);
void one_token(std::vector<Scenario>& all);
void renewals(std::vector<Scenario>& all, int callers);
void purges_against(std::vector<Scenario>& all);
void lost_answers(std::vector<Scenario>& all);
void crashes(std::vector<Scenario>& all);
void lagging(std::vector<Scenario>& all);
void wrong_clocks(std::vector<Scenario>& all);

// Every scenario that the service has to come through without a violation.
[[nodiscard]] std::vector<Scenario> scenarios();

// Returns: the one of that name. Errors: std::invalid_argument if there is none.
[[nodiscard]] Scenario named(std::string_view name, const std::vector<Scenario>& all);

}  // namespace interleavings
