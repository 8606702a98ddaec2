// SPDX-License-Identifier: MIT
// The umbrella header alone must do. Exits with 0 if a command executes once and is replayed.
#include <nexus/idempotency.hpp>

using namespace nexus::idempotency;

int main() {
  InMemoryIdempotencyStore store;
  SystemClock clock;
  IdempotencyService service(store, clock);
  const IdempotencyKey key{TenantId("acme"), OperationRef("charge"), ClientKey("1")};
  const RequestFingerprint fingerprint("sha256:1");

  const BeginDecision first = service.begin(key, fingerprint);
  if (!std::holds_alternative<FirstExecution>(first)) return 1;
  service.complete(std::get<FirstExecution>(first).attempt, ResultEnvelope("paid"));

  const BeginDecision second = service.begin(key, fingerprint);
  if (!std::holds_alternative<Replay>(second)) return 2;
  return std::get<Replay>(second).result.payload() == "paid" ? 0 : 3;
}
