// SPDX-License-Identifier: MIT
// Exits with 0 if a command executes once and its result is replayed as the value that it was.
#include <nexus/idempotency.hpp>
#include <nexus/idempotency/json.hpp>
#include <variant>

using namespace nexus::idempotency;

int main() {
  InMemoryIdempotencyStore store;
  SystemClock clock;
  IdempotencyService service(store, clock);
  const IdempotencyKey key{TenantId("acme"), OperationRef("charge"), ClientKey("1")};
  const auto charge = [&] {
    return execute_json<int>(service, key, RequestFingerprint("f"),
                             [](const Attempt&) { return 42; });
  };

  if (!std::holds_alternative<ExecutedJson<int>>(charge())) return 1;
  const auto second = charge();
  const auto* replayed = std::get_if<ReplayedJson<int>>(&second);
  return replayed != nullptr && replayed->value == 42 ? 0 : 2;
}
