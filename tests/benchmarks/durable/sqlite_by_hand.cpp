// SPDX-License-Identifier: MIT
#include "benchmarks/durable/sqlite_by_hand.hpp"

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "benchmarks/durable/by_hand.hpp"
#include "benchmarks/durable/supply.hpp"
#include "benchmarks/support/requests.hpp"

namespace nexus::idempotency::benchmarks {
namespace {

constexpr std::string_view find_sql =
    "SELECT status, fingerprint, attempt_token, fence, result, created_at, last_transition_at,"
    " expires_at FROM nexus_idempotency WHERE tenant = ?1 AND operation = ?2 AND client_key = ?3";
constexpr std::string_view insert_sql =
    "INSERT INTO nexus_idempotency (tenant, operation, client_key, status, fingerprint,"
    " attempt_token, fence, created_at, last_transition_at, expires_at)"
    " VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7, ?7, ?8) ON CONFLICT DO NOTHING";
constexpr std::string_view complete_sql =
    "UPDATE nexus_idempotency SET status = 1, result = ?6, last_transition_at = ?7, expires_at = ?8"
    " WHERE tenant = ?1 AND operation = ?2 AND client_key = ?3 AND fingerprint = ?4"
    " AND attempt_token = ?5 AND status = 0";
constexpr std::string_view take_over_sql =
    "UPDATE nexus_idempotency SET status = 0, fingerprint = ?4, attempt_token = ?5, fence = ?6,"
    " result = NULL, created_at = ?7, last_transition_at = ?7, expires_at = ?8"
    " WHERE tenant = ?1 AND operation = ?2 AND client_key = ?3 AND fingerprint = ?9"
    " AND attempt_token = ?10 AND status = ?11 AND expires_at < ?7";
constexpr std::string_view purge_sql =
    "DELETE FROM nexus_idempotency WHERE rowid IN (SELECT rowid FROM nexus_idempotency"
    " WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)";

[[noreturn]] void fail(sqlite3* connection) {
  throw std::runtime_error(sqlite3_errmsg(connection));
}

void bind_bytes(sqlite3_stmt* statement, int index, std::string_view bytes) {
  sqlite3_bind_blob(statement, index, bytes.data(), static_cast<int>(bytes.size()), SQLITE_STATIC);
}

void bind_key(sqlite3_stmt* statement, std::string_view client_key) {
  bind_bytes(statement, 1, tenant);
  bind_bytes(statement, 2, operation);
  bind_bytes(statement, 3, client_key);
}

void bind_claim(sqlite3_stmt* statement, const RawClaim& claim) {
  bind_key(statement, claim.client_key);
  bind_bytes(statement, 4, claim.fingerprint);
  bind_bytes(statement, 5, claim.token);
  sqlite3_bind_int64(statement, 6, claim.fence);
  sqlite3_bind_int64(statement, 7, claim.now);
  sqlite3_bind_int64(statement, 8, claim.expires_at);
}

// Returns: how many rows it changed.
std::size_t execute(sqlite3* connection, sqlite3_stmt* statement) {
  const int code = sqlite3_step(statement);
  const int changes = sqlite3_changes(connection);
  sqlite3_reset(statement);
  if (code != SQLITE_DONE) fail(connection);
  return static_cast<std::size_t>(changes);
}

std::string bytes(sqlite3_stmt* statement, int column) {
  const void* data = sqlite3_column_blob(statement, column);
  const int size = sqlite3_column_bytes(statement, column);
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

std::optional<RawRecord> find(sqlite3* connection, sqlite3_stmt* statement,
                              std::string_view client_key) {
  bind_key(statement, client_key);
  const int code = sqlite3_step(statement);
  std::optional<RawRecord> found;
  if (code == SQLITE_ROW) {
    found.emplace();
    found->status = sqlite3_column_int64(statement, 0);
    found->fingerprint = bytes(statement, 1);
    found->token = bytes(statement, 2);
    found->fence = sqlite3_column_int64(statement, 3);
    if (sqlite3_column_type(statement, 4) != SQLITE_NULL) found->result = bytes(statement, 4);
    found->created_at = sqlite3_column_int64(statement, 5);
    found->last_transition_at = sqlite3_column_int64(statement, 6);
    if (sqlite3_column_type(statement, 7) != SQLITE_NULL) {
      found->expires_at = sqlite3_column_int64(statement, 7);
    }
  }
  sqlite3_reset(statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE) fail(connection);
  return found;
}

}  // namespace

SqliteConnection open_sqlite(const std::filesystem::path& file) {
  sqlite3* opened = nullptr;
  const int code =
      sqlite3_open_v2(file.c_str(), &opened,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  SqliteConnection connection(opened);
  if (code != SQLITE_OK) fail(opened);
  sqlite3_busy_timeout(opened, 5'000);
  run_sqlite(opened, "PRAGMA journal_mode = WAL");
  return connection;
}

SqliteStatement prepare_sqlite(sqlite3* connection, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(connection, sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    fail(connection);
  }
  return SqliteStatement(statement);
}

void run_sqlite(sqlite3* connection, const char* sql) {
  if (sqlite3_exec(connection, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(connection);
}

std::int64_t sqlite_number(sqlite3* connection, std::string_view sql) {
  const SqliteStatement statement = prepare_sqlite(connection, sql);
  if (sqlite3_step(statement.get()) != SQLITE_ROW) fail(connection);
  return sqlite3_column_int64(statement.get(), 0);
}

SqliteByHand::SqliteByHand(const std::filesystem::path& file, const char* synchronous)
    : writer_(open_sqlite(file)),
      find_(prepare_sqlite(writer_.get(), find_sql)),
      insert_(prepare_sqlite(writer_.get(), insert_sql)),
      complete_(prepare_sqlite(writer_.get(), complete_sql)),
      take_over_(prepare_sqlite(writer_.get(), take_over_sql)),
      purge_(prepare_sqlite(writer_.get(), purge_sql)) {
  run_sqlite(writer_.get(), (std::string("PRAGMA synchronous = ") + synchronous).c_str());
  for (std::size_t thread = 0; thread < max_threads; ++thread) {
    SqliteConnection connection = open_sqlite(file);
    SqliteStatement statement = prepare_sqlite(connection.get(), find_sql);
    readers_.push_back({std::move(connection), std::move(statement)});
  }
}

std::optional<RawRecord> SqliteByHand::claim(std::size_t thread, const RawClaim& claim) {
  const Reader& reader = readers_[thread];
  std::optional<RawRecord> there =
      find(reader.connection.get(), reader.find.get(), claim.client_key);
  return there ? there : claim_by_insert(claim);
}

std::optional<RawRecord> SqliteByHand::claim_by_insert(const RawClaim& claim) {
  const std::lock_guard lock(writing_);
  bind_claim(insert_.get(), claim);
  if (execute(writer_.get(), insert_.get()) == 1) return std::nullopt;
  std::optional<RawRecord> there = find(writer_.get(), find_.get(), claim.client_key);
  if (!there) throw std::runtime_error("neither claimed nor there");
  return there;
}

bool SqliteByHand::complete(std::size_t, const RawClaim& claim, std::string_view result,
                            std::int64_t now, std::int64_t expires_at) {
  const std::lock_guard lock(writing_);
  bind_key(complete_.get(), claim.client_key);
  bind_bytes(complete_.get(), 4, claim.fingerprint);
  bind_bytes(complete_.get(), 5, claim.token);
  bind_bytes(complete_.get(), 6, result);
  sqlite3_bind_int64(complete_.get(), 7, now);
  sqlite3_bind_int64(complete_.get(), 8, expires_at);
  return execute(writer_.get(), complete_.get()) == 1;
}

bool SqliteByHand::take_over(std::size_t, const RawRecord& judged, const RawClaim& claim) {
  const std::lock_guard lock(writing_);
  bind_claim(take_over_.get(), claim);
  bind_bytes(take_over_.get(), 9, judged.fingerprint);
  bind_bytes(take_over_.get(), 10, judged.token);
  sqlite3_bind_int64(take_over_.get(), 11, judged.status);
  return execute(writer_.get(), take_over_.get()) == 1;
}

std::size_t SqliteByHand::purge(std::size_t, std::int64_t before, std::int64_t limit) {
  const std::lock_guard lock(writing_);
  sqlite3_bind_int64(purge_.get(), 1, before);
  sqlite3_bind_int64(purge_.get(), 2, limit);
  return execute(writer_.get(), purge_.get());
}

}  // namespace nexus::idempotency::benchmarks
