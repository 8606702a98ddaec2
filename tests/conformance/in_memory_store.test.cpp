// SPDX-License-Identifier: MIT
// The store that keeps everything in memory, under the conformance suite.
#include "nexus/idempotency/in_memory_store.hpp"

#include <memory>
#include <string>

#include "nexus/idempotency/testing/store_conformance.hpp"
#include "support/catch.hpp"

namespace {

using namespace nexus::idempotency;
using testing::ConformanceOutcome;

class Fixture final : public testing::StoreFixture {
 public:
  std::unique_ptr<IdempotencyStore> make_store() override {
    return std::make_unique<InMemoryIdempotencyStore>();
  }
};

// With a limit that no case reaches, which takes the store through its other code path.
class LimitedFixture final : public testing::StoreFixture {
 public:
  std::unique_ptr<IdempotencyStore> make_store() override {
    return std::make_unique<InMemoryIdempotencyStore>(InMemoryStoreOptions{.max_records = 1000});
  }
};

template <class AnyFixture>
void check_conformance() {
  AnyFixture fixture;
  const auto report = testing::run_conformance(fixture);
  INFO(report);
  CHECK(report.passed());
  for (const auto& result : report.results) {
    if (result.outcome != ConformanceOutcome::skipped) continue;
    // Contents belong to the object, and nothing expires by itself; all else must have been run.
    INFO(result);
    const bool needs_two_objects = result.text.find("returned null") != std::string::npos;
    const bool needs_expiry = result.text.find("expires_by_itself") != std::string::npos;
    CHECK((needs_two_objects || needs_expiry));
  }
}

}  // namespace

TEST_CASE("the in-memory store conforms") {
  check_conformance<Fixture>();
}

TEST_CASE("the in-memory store conforms with a limit") {
  check_conformance<LimitedFixture>();
}
