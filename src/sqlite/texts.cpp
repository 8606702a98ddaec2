// SPDX-License-Identifier: MIT
#include "sqlite/texts.hpp"

#include <sqlite3.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "nexus/idempotency/errors.hpp"
#include "sqlite/schema_sql.hpp"
#include "stores/table_name.hpp"

namespace nexus::idempotency::sqlite {
namespace {

// "main" keeps a temporary table of the same name, on a caller's connection, out of it.
// The numbers of the parameters are those in session.cpp.
constexpr std::string_view text_of(Query query) noexcept {
  switch (query) {
    case Query::begin:
      return "BEGIN IMMEDIATE";
    case Query::commit:
      return "COMMIT";
    case Query::roll_back:
      return "ROLLBACK";
    case Query::tables:
      return "SELECT count(*) FILTER (WHERE lower(name) = lower('nexus_idempotency')),"
             " count(*) FILTER (WHERE lower(name) = lower('nexus_idempotency_schema'))"
             " FROM main.sqlite_master";
    case Query::version:
      return "SELECT version FROM main.nexus_idempotency_schema";
    case Query::select:
      // The key is not read back: SQLite would take it from the index that it was found by, and
      // bytes are compared as bytes whatever the table's collation, so it can only be the same.
      return "SELECT status, fingerprint, attempt_token, fence, result, created_at,"
             " last_transition_at, expires_at FROM main.nexus_idempotency"
             " WHERE tenant = ?1 AND operation = ?2 AND client_key = ?3";
    case Query::insert:
      return "INSERT INTO main.nexus_idempotency (tenant, operation, client_key, status,"
             " fingerprint, attempt_token, fence, result, created_at, last_transition_at,"
             " expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
             " ON CONFLICT (tenant, operation, client_key) DO NOTHING";
    case Query::update:
      // max() of a NULL is NULL: no deadline is later than any.
      return "UPDATE main.nexus_idempotency SET status = ?4, fingerprint = ?5, attempt_token = ?6,"
             " fence = ?7, result = ?8, created_at = ?9, last_transition_at = ?10,"
             " expires_at = CASE WHEN status = 0 AND ?4 = 0 AND attempt_token = ?6"
             " THEN max(expires_at, ?11) ELSE ?11 END"
             " WHERE tenant = ?1 AND operation = ?2 AND client_key = ?3"
             " AND attempt_token = ?12 AND fingerprint = ?13 AND status = ?14"
             " AND CASE ?15 WHEN 0 THEN TRUE"
             " WHEN 1 THEN expires_at IS NULL OR expires_at >= ?16"
             " ELSE expires_at < ?16 END";
    case Query::purge:
      // All whose deadline is before that of the first record over the limit, ?2. The index is
      // named, here and below: statistics from when the table was small would have SQLite look
      // through all of it.
      return "DELETE FROM main.nexus_idempotency INDEXED BY nexus_idempotency_expiry"
             " WHERE expires_at < ifnull("
             "(SELECT expires_at FROM main.nexus_idempotency INDEXED BY nexus_idempotency_expiry"
             " WHERE expires_at < ?1 ORDER BY expires_at LIMIT 1 OFFSET ?2), ?1)";
    case Query::lapsed:
      return "SELECT rowid FROM main.nexus_idempotency INDEXED BY nexus_idempotency_expiry"
             " WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2";
    case Query::remove:
      return "DELETE FROM main.nexus_idempotency WHERE rowid = ?1 AND expires_at < ?2";
  }
  return {};
}

}  // namespace

Texts::Texts(std::string_view table) {
  const bool reserved = sqlite3_strnicmp("sqlite_", table.data(), 7) == 0 ||
                        sqlite3_keyword_check(table.data(), static_cast<int>(table.size())) != 0;
  if (!stores::is_plain_name(table) || reserved) {
    throw InvalidValueError("SqliteStoreOptions::table is not the name of a table");
  }
  for (std::size_t i = 0; i < query_count; ++i) {
    queries_[i] = stores::for_table(text_of(static_cast<Query>(i)), table);
  }
  schema_ = stores::for_table(schema_sql, table);
}

}  // namespace nexus::idempotency::sqlite
