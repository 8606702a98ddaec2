// SPDX-License-Identifier: MIT
// The smallest complete use: a payment that is charged once, however often its request arrives.
#include <iostream>
#include <nexus/idempotency.hpp>
#include <string>
#include <string_view>
#include <variant>

using namespace nexus::idempotency;

// [snippet]
InMemoryIdempotencyStore store;
SystemClock wall_clock;
IdempotencyService service(store, wall_clock);
int charges = 0;

std::string post_charge(std::string_view body) {
  const IdempotencyKey key{TenantId("acct_7"), OperationRef("payments.charge"), ClientKey("k-1")};
  const RequestFingerprint fingerprint(body);  // of a longer body: its SHA-256
  const auto charge = [](const Attempt&) { return "charge " + std::to_string(++charges); };

  const ExecuteOutcome outcome = execute(service, key, fingerprint, charge);
  if (auto* now = std::get_if<Executed>(&outcome)) return now->result;
  if (auto* then = std::get_if<Replay>(&outcome)) return std::string(then->result.payload());
  return std::holds_alternative<Conflict>(outcome) ? "422 another request" : "409 try again later";
}

int main() {
  std::cout << post_charge("amount=10") << '\n';  // charge 1
  std::cout << post_charge("amount=10") << '\n';  // charge 1: the retry gets the first answer
  std::cout << post_charge("amount=99") << '\n';  // 422 another request
  return charges == 1 ? 0 : 1;
}
// [/snippet]
