// SPDX-License-Identifier: MIT
#pragma once

// Services that make the known mistakes, to prove that the scenarios would show them.

#include <memory>

#include "interleavings/simulation.hpp"

namespace interleavings {

// begin as find, then delete if it is over, then claim: as in the PHP package that this library
// started from.
std::unique_ptr<IdempotencyServiceInterface> begin_by_find_delete_claim(Simulation&,
                                                                        const IdempotencyPolicy&);

// begin as find, then a write by what was found, the query port being a replica.
std::unique_ptr<IdempotencyServiceInterface> begin_by_the_query_port(Simulation&,
                                                                     const IdempotencyPolicy&);

// begin does not know its own claim again, whose answer was lost.
std::unique_ptr<IdempotencyServiceInterface> without_own_claim(Simulation&,
                                                               const IdempotencyPolicy&);

// A claim is handed out without looking at the clock again.
std::unique_ptr<IdempotencyServiceInterface> with_dead_leases(Simulation&,
                                                              const IdempotencyPolicy&);

// complete and fail as find, then save.
std::unique_ptr<IdempotencyServiceInterface> report_by_find_save(Simulation&,
                                                                 const IdempotencyPolicy&);

// complete and fail refuse to hear the same outcome again.
std::unique_ptr<IdempotencyServiceInterface> unrepeatable_reports(Simulation&,
                                                                  const IdempotencyPolicy&);

// The difference between clocks is not allowed for.
std::unique_ptr<IdempotencyServiceInterface> without_skew_allowance(Simulation&,
                                                                    const IdempotencyPolicy&);

}  // namespace interleavings
