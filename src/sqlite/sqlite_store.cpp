// SPDX-License-Identifier: MIT
#include "nexus/idempotency/sqlite/sqlite_store.hpp"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "sqlite/backend.hpp"
#include "sqlite/connection_backend.hpp"
#include "sqlite/file_backend.hpp"

namespace nexus::idempotency {
inline namespace v0 {

SqliteIdempotencyStore::SqliteIdempotencyStore(const std::filesystem::path& file,
                                               SqliteStoreOptions options)
    : backend_(std::make_unique<sqlite::FileBackend>(file, options)) {}

SqliteIdempotencyStore::SqliteIdempotencyStore(sqlite3* connection, std::string table)
    : backend_(std::make_unique<sqlite::ConnectionBackend>(connection, table)) {}

SqliteIdempotencyStore::~SqliteIdempotencyStore() = default;

void SqliteIdempotencyStore::ensure_schema() {
  backend_->ensure_schema();
}

std::optional<IdempotencyRecord> SqliteIdempotencyStore::find(const IdempotencyKey& key) {
  return backend_->find(key);
}

ClaimPendingResult SqliteIdempotencyStore::claim_pending(const IdempotencyRecord& candidate) {
  return backend_->claim_pending(candidate);
}

bool SqliteIdempotencyStore::save_if(const WriteGuard& guard, const IdempotencyRecord& next) {
  return backend_->save_if(guard, next);
}

std::size_t SqliteIdempotencyStore::purge_expired(Timestamp before, std::size_t limit) {
  return backend_->purge_expired(before, limit);
}

}  // namespace v0
}  // namespace nexus::idempotency
