// SPDX-License-Identifier: MIT
#include "nexus/idempotency/sharded_store.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "nexus/idempotency/in_memory_store.hpp"
#include "nexus/idempotency/testing/faulty_store.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"
#include "support/catch.hpp"

using namespace nexus::idempotency;

namespace {

TenantId tenant(std::size_t n) {
  return TenantId("tenant-" + std::to_string(n));
}

IdempotencyRecord record_of(const TenantId& of, std::optional<Timestamp> expires_at) {
  return {{of, OperationRef("charge"), ClientKey("k")},
          RecordStatus::pending,
          RequestFingerprint("f"),
          AttemptToken("t"),
          1,
          std::nullopt,
          Timestamp{},
          Timestamp{},
          expires_at};
}

}  // namespace

TEST_CASE("a tenant's records are in the shard that has it, and in no other") {
  InMemoryIdempotencyStore stores[3];
  ShardedIdempotencyStore sharded({{"a", &stores[0]}, {"b", &stores[1]}, {"c", &stores[2]}});
  for (std::size_t n = 0; n < 100; ++n) {
    const IdempotencyRecord record = record_of(tenant(n), std::nullopt);
    REQUIRE(sharded.claim_pending(record).claimed_new());
    for (InMemoryIdempotencyStore& store : stores) {
      const bool owns = &store == sharded.shard_of(tenant(n)).store;
      REQUIRE(store.find(record.key).has_value() == owns);
    }
    IdempotencyRecord completed = record;
    completed.status = RecordStatus::completed;
    REQUIRE(sharded.save_if({record.attempt_token, record.fingerprint, RecordStatus::pending},
                            completed));
    REQUIRE(sharded.find(record.key) == completed);
  }
}

TEST_CASE("where a tenant goes does not depend on the order of the shards, and never changes") {
  InMemoryIdempotencyStore store;
  const ShardedIdempotencyStore one({{"a", &store}, {"b", &store}, {"c", &store}});
  const ShardedIdempotencyStore other({{"c", &store}, {"a", &store}, {"b", &store}});
  std::string owners;
  for (std::size_t n = 0; n < 24; ++n) {
    REQUIRE(one.shard_of(tenant(n)).name == other.shard_of(tenant(n)).name);
    owners += one.shard_of(tenant(n)).name;
  }
  // Written down once. Another line here means that records in use would not be found any more.
  CHECK(owners == "ccbaaabbccbaabbaccbbbacb");
}

TEST_CASE("tenants are spread evenly, and a new shard takes its share of each and moves no other") {
  InMemoryIdempotencyStore store;
  std::vector<Shard> shards;
  for (const char* name : {"db-1", "db-2", "db-3", "db-4"}) shards.push_back({name, &store});
  const ShardedIdempotencyStore four(shards);
  shards.push_back({"db-5", &store});
  const ShardedIdempotencyStore five(shards);

  constexpr std::size_t tenants = 20'000;
  std::map<std::string, std::size_t> had;
  std::map<std::string, std::size_t> gave;
  for (std::size_t n = 0; n < tenants; ++n) {
    const std::string before = four.shard_of(tenant(n)).name;
    const std::string after = five.shard_of(tenant(n)).name;
    ++had[before];
    if (before == after) continue;
    REQUIRE(after == "db-5");
    ++gave[before];
  }
  for (const auto& [name, count] : had) {
    CAPTURE(name);
    CHECK(count > tenants / 4 * 9 / 10);
    CHECK(count < tenants / 4 * 11 / 10);
    CHECK(gave[name] > count / 5 * 8 / 10);
    CHECK(gave[name] < count / 5 * 12 / 10);
  }
}

TEST_CASE("a purge goes through all shards, within its limit, and past one that is down") {
  InMemoryIdempotencyStore stores[3];
  testing::FaultyStore faulty(stores[1]);
  ShardedIdempotencyStore sharded({{"a", &stores[0]}, {"b", &faulty}, {"c", &stores[2]}});
  const Timestamp deadline{std::chrono::seconds(1)};
  for (std::size_t n = 0; n < 60; ++n) {
    REQUIRE(sharded.claim_pending(record_of(tenant(n), deadline)).claimed_new());
  }
  for (InMemoryIdempotencyStore& store : stores) REQUIRE(store.size() > 5);
  const Timestamp later{std::chrono::seconds(2)};

  CHECK(sharded.purge_expired(later, 7) == 7);

  faulty.reset();
  faulty.fail(1, StoreErrc::unavailable);
  CHECK_THROWS_AS(sharded.purge_expired(later, 1000), StoreError);
  CHECK(stores[0].size() == 0);
  CHECK(stores[1].size() > 0);
  CHECK(stores[2].size() == 0);

  CHECK(sharded.purge_expired(later, 1000) > 0);
  CHECK(stores[1].size() == 0);
}

TEST_CASE("the limit of a purge is one for all shards") {
  InMemoryIdempotencyStore stores[3];
  ShardedIdempotencyStore sharded({{"a", &stores[0]}, {"b", &stores[1]}, {"c", &stores[2]}});
  for (std::size_t n = 0; n < 60; ++n) {
    const IdempotencyRecord record = record_of(tenant(n), Timestamp{std::chrono::seconds(1)});
    REQUIRE(sharded.claim_pending(record).claimed_new());
  }
  const std::size_t limit = stores[0].size() + 1;
  CHECK(sharded.purge_expired(Timestamp{std::chrono::seconds(2)}, limit) == limit);
  CHECK(stores[0].size() + stores[1].size() + stores[2].size() == 60 - limit);
}

TEST_CASE("a list of shards that can't be meant is refused") {
  InMemoryIdempotencyStore store;
  CHECK_THROWS_AS(ShardedIdempotencyStore(std::vector<Shard>{}), InvalidValueError);
  CHECK_THROWS_AS(ShardedIdempotencyStore({{"a", &store}, {"a", &store}}), InvalidValueError);
  CHECK_THROWS_AS(ShardedIdempotencyStore({{"", &store}}), InvalidValueError);
  CHECK_THROWS_AS(ShardedIdempotencyStore({{"a", nullptr}}), InvalidValueError);
}
