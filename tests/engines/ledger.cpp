// SPDX-License-Identifier: MIT
#include "engines/ledger.hpp"

#include <memory>
#include <string>

namespace nexus::idempotency::test {

std::unique_ptr<IdempotencyServiceInterface> make_service(IdempotencyStore& store,
                                                          IdempotencyClock& clock,
                                                          IdempotencyPolicy policy) {
  return std::make_unique<IdempotencyService>(store, clock, policy);
}

void record_row(IdempotencyServiceInterface& service, const Attempt& attempt,
                const std::string& row) {
  service.complete(attempt, ResultEnvelope(row));
}

}  // namespace nexus::idempotency::test
