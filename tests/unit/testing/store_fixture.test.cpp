// SPDX-License-Identifier: MIT
#include "nexus/idempotency/testing/store_fixture.hpp"

#include <memory>
#include <string>
#include <type_traits>

#include "nexus/idempotency/in_memory_store.hpp"
#include "support/catch.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::testing;

namespace {

class PlainFixture final : public StoreFixture {
 public:
  std::unique_ptr<IdempotencyStore> make_store() override {
    return std::make_unique<InMemoryIdempotencyStore>();
  }
};

class ConnectingFixture final : public StoreFixture {
 public:
  std::unique_ptr<IdempotencyStore> make_store() override {
    return std::make_unique<InMemoryIdempotencyStore>();
  }
  std::unique_ptr<IdempotencyStore> connect() override { return make_store(); }
};

}  // namespace

TEST_CASE("a fixture that says nothing claims no ability") {
  PlainFixture fixture;
  CHECK(fixture.make_store() != nullptr);
  CHECK(fixture.connect() == nullptr);
  CHECK(fixture.reopen() == nullptr);
  CHECK_FALSE(fixture.expires_by_itself());
}

TEST_CASE("a store that others can connect to can be reopened in the same way") {
  ConnectingFixture fixture;
  CHECK(fixture.reopen() != nullptr);
}

TEST_CASE("a failure and a skip are different exceptions, and keep their text") {
  const ConformanceFailure failure("it is wrong");
  const ConformanceSkipped skipped("it can't");
  CHECK(std::string(failure.what()) == "it is wrong");
  CHECK(std::string(skipped.what()) == "it can't");
  CHECK_FALSE(std::is_base_of_v<ConformanceFailure, ConformanceSkipped>);
  CHECK_FALSE(std::is_base_of_v<ConformanceSkipped, ConformanceFailure>);
}
