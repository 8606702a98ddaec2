// SPDX-License-Identifier: MIT
// The store, with its own hash, against a map.
#include <cstddef>

#include "nexus/idempotency/in_memory_store.hpp"
#include "support/catch.hpp"
#include "unit/memory_model.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;

TEST_CASE("a store agrees with a map over random calls on few keys") {
  const auto seed = GENERATE(range(1U, 9U));
  INFO("seed " << seed);
  InMemoryIdempotencyStore store;
  MemoryModel model(store, seed, 24);
  for (int i = 0; i < 4000; ++i) model.any_call();
  model.check_all();
}

TEST_CASE("a store with a limit agrees with a map over random calls") {
  const auto seed = GENERATE(range(1U, 9U));
  const std::size_t max = GENERATE(0U, 1U, 5U, 100U);
  INFO("seed " << seed << ", max_records " << max);
  InMemoryIdempotencyStore store(InMemoryStoreOptions{.max_records = max});
  MemoryModel model(store, seed, max * 2 + 3, max);
  for (int i = 0; i < 1500; ++i) model.any_call();
  model.check_all();
}

TEST_CASE("a store of thousands of records agrees with a map") {
  const auto seed = GENERATE(1U, 2U);
  INFO("seed " << seed);
  InMemoryIdempotencyStore store;
  MemoryModel model(store, seed, 4000);
  for (int i = 0; i < 4000; ++i) model.claim();
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 300; ++i) model.claim();
    for (int i = 0; i < 600; ++i) model.save();
    model.purge();
    model.check_all();
  }
}
