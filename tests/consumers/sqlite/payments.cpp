// SPDX-License-Identifier: MIT
#include <filesystem>
#include <memory>
#include <nexus/idempotency/sqlite/sqlite_store.hpp>

__attribute__((visibility("default"))) std::unique_ptr<nexus::idempotency::IdempotencyStore>
open_store(const std::filesystem::path& file) {
  auto store = std::make_unique<nexus::idempotency::SqliteIdempotencyStore>(file);
  store->ensure_schema();
  return store;
}
