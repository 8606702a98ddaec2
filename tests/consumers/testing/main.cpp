// SPDX-License-Identifier: MIT
// Exits with 0 if every header of the test kit is there and its clock works.
#include <chrono>
#include <nexus/idempotency/testing/faulty_store.hpp>
#include <nexus/idempotency/testing/manual_clock.hpp>
#include <nexus/idempotency/testing/store_conformance.hpp>

int main() {
  using namespace nexus::idempotency;
  testing::ManualClock clock{Timestamp{std::chrono::seconds(7)}};
  clock.advance(std::chrono::seconds(3));
  return clock.now() == Timestamp{std::chrono::seconds(10)} ? 0 : 1;
}
