// SPDX-License-Identifier: MIT
// A store over three stores, under the conformance suite.
#include "nexus/idempotency/sharded_store.hpp"

#include <array>
#include <memory>
#include <vector>

#include "nexus/idempotency/in_memory_store.hpp"
#include "nexus/idempotency/testing/store_fixture.hpp"
#include "support/catch.hpp"
#include "support/conformance.hpp"

namespace {

using namespace nexus::idempotency;

class Fixture final : public testing::StoreFixture {
 public:
  std::unique_ptr<IdempotencyStore> make_store() override {
    for (auto& store : stores_) store = std::make_unique<InMemoryIdempotencyStore>();
    return connect();
  }
  std::unique_ptr<IdempotencyStore> connect() override {
    return std::make_unique<ShardedIdempotencyStore>(std::vector<Shard>{
        {"a", stores_[0].get()}, {"b", stores_[1].get()}, {"c", stores_[2].get()}});
  }

 private:
  std::array<std::unique_ptr<IdempotencyStore>, 3> stores_;
};

}  // namespace

TEST_CASE("the sharded store conforms") {
  Fixture fixture;
  test::check_conformance(fixture);
}
