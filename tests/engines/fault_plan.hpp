// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "engines/fault.hpp"

namespace nexus::idempotency::test {

struct FaultTally {
  std::size_t requests = 0;  // those struck included
  std::size_t faults = 0;
};

// Which requests are struck, and by what.
class FaultPlan {
 public:
  // Effects: these happen, one after the other. The tally starts at nothing.
  void arm(const std::vector<PlannedFault>& plan) {
    *this = FaultPlan();
    plan_.assign(plan.begin(), plan.end());
  }
  // Effects: every request is struck. The tally starts at nothing.
  void strike_always(Fault fault) {
    *this = FaultPlan();
    always_ = fault;
  }
  // Effects: nothing is struck any more.
  void clear() {
    plan_.clear();
    always_.reset();
  }

  // Effects: counts a request. Returns: what strikes it.
  [[nodiscard]] std::optional<Fault> next() {
    ++tally_.requests;
    std::optional<Fault> fault = always_;
    if (!fault && !plan_.empty() && since_fault_++ == plan_.front().after) {
      fault = plan_.front().fault;
      plan_.pop_front();
      since_fault_ = 0;
    }
    if (fault) ++tally_.faults;
    return fault;
  }

  [[nodiscard]] const FaultTally& tally() const { return tally_; }

 private:
  std::deque<PlannedFault> plan_;
  std::optional<Fault> always_;
  std::size_t since_fault_ = 0;
  FaultTally tally_;
};

}  // namespace nexus::idempotency::test
