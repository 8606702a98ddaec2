// SPDX-License-Identifier: MIT
#include "crash/store_maker.hpp"

#include <stdexcept>

#include "crash/commands.hpp"
#include "nexus/idempotency/postgres/postgres_store.hpp"
#include "nexus/idempotency/redis/redis_store.hpp"
#include "nexus/idempotency/sqlite/sqlite_store.hpp"

namespace nexus::idempotency::test {

std::unique_ptr<IdempotencyStore> open_store(const std::string& engine, const std::string& place) {
  if (engine == "sqlite") {
    auto store = std::make_unique<SqliteIdempotencyStore>(place);
    store->ensure_schema();
    return store;
  }
  if (engine == "postgres") {
    auto store =
        std::make_unique<PostgresIdempotencyStore>(place, PostgresStoreOptions{.pool_size = 2});
    store->ensure_schema();
    return store;
  }
  if (engine == "redis") {
    RedisStoreOptions options;
    options.unix_socket = place;
    options.pool_size = 2;
    options.retention_grace = purge_grace;
    return std::make_unique<RedisIdempotencyStore>(options);
  }
  throw std::invalid_argument("no such engine: " + engine);
}

}  // namespace nexus::idempotency::test
