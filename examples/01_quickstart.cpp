// SPDX-License-Identifier: MIT
// The smallest complete use: a payment that is charged once, however often its request arrives.
#include <iostream>
#include <nexus/idempotency.hpp>
#include <string>
#include <string_view>
#include <variant>

using namespace nexus::idempotency;

// [snippet]
struct ToHttp {  // leave one out, and it does not compile
  std::string operator()(const Executed& now) { return "201 " + now.result; }
  std::string operator()(const Replay& then) { return "201 " + std::string(then.result.payload()); }
  std::string operator()(const InProgress&) { return "409 still running, try again later"; }
  std::string operator()(const Conflict&) { return "422 key was used for another request"; }
  std::string operator()(const RetryNotAllowed&) { return "409 failed for good"; }
};

int main() {
  InMemoryIdempotencyStore store;
  SystemClock clock;
  IdempotencyService service(store, clock);
  int charges = 0;
  const auto post = [&](std::string_view body) {
    const IdempotencyKey key{TenantId("acct_7"), OperationRef("payments.charge"), ClientKey("k-1")};
    const RequestFingerprint fingerprint(body);  // of a longer body: its SHA-256
    const auto charge = [&](const Attempt&) { return "charge " + std::to_string(++charges); };
    std::cout << std::visit(ToHttp{}, execute(service, key, fingerprint, charge)) << '\n';
  };
  post("amount=10");  // 201 charge 1
  post("amount=10");  // 201 charge 1
  post("amount=99");  // 422 key was used for another request
  return charges == 1 ? 0 : 1;
}
// [/snippet]
