// SPDX-License-Identifier: MIT
#include "sqlite/session.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "nexus/idempotency/errors.hpp"
#include "sqlite/errors.hpp"
#include "sqlite/purge.hpp"
#include "stores/stored_row.hpp"

namespace nexus::idempotency::sqlite {
namespace {

void bind_key(Execution& execution, const IdempotencyKey& key) noexcept {
  execution.bind(1, key.tenant().value());
  execution.bind(2, key.operation().value());
  execution.bind(3, key.client_key().value());
}

void bind_record(Execution& execution, const IdempotencyRecord& record) noexcept {
  bind_key(execution, record.key);
  execution.bind(4, stores::status_number(record.status));
  execution.bind(5, record.fingerprint.value());
  execution.bind(6, record.attempt_token.value());
  execution.bind(7, static_cast<std::int64_t>(record.fence));
  execution.bind(8, stores::result_bytes(record.result));
  execution.bind(9, stores::microseconds(record.created_at));
  execution.bind(10, stores::microseconds(record.last_transition_at));
  execution.bind(11, stores::microseconds(record.expires_at));
}

}  // namespace

void Session::open_own(Step step) {
  own_ = open(*place_, step, &patience_);
  used_ = own_.get();
}

void Session::start_anew() noexcept {
  for (Statement& statement : statements_) statement.reset();
  version_checked_ = false;
  if (place_ != nullptr) {
    used_ = nullptr;
    own_.reset();
  }
}

bool Session::in_callers_transaction() const noexcept {
  return place_ == nullptr && sqlite3_get_autocommit(used_) == 0;
}

const Statement& Session::statement(Query query) {
  Statement& kept = statements_[static_cast<std::size_t>(query)];
  if (!kept) kept = prepare(used_, texts_[query]);
  return kept;
}

void Session::run(Query query) {
  Execution execution(statement(query));
  (void)execution.row();
}

void Session::commit() {
  const Statement& kept = statement(Query::commit);
  Execution execution(kept);
  const int code = execution.result();
  if (code != SQLITE_DONE) raise(code, Step::commit);
}

// After an error that made SQLite roll back by itself there is nothing to do.
void Session::roll_back() noexcept {
  if (sqlite3_get_autocommit(used_) != 0) return;
  try {
    run(Query::roll_back);
  } catch (...) {
    // The error that led here is the one to tell. An own connection that is still in a transaction
    // is not used again.
    start_anew();
  }
}

void Session::require_version() {
  Execution execution(statement(Query::version));
  if (execution.row() && execution.number(0) == schema_version) return;
  throw StoreError(StoreErrc::misconfigured,
                   "the store's table is of another version than this library's; see"
                   " ensure_schema()");
}

// Errors: StoreErrc::misconfigured if something else is in its place.
bool Session::schema_is_there() {
  Execution execution(statement(Query::tables));
  (void)execution.row();
  const bool table = execution.number(0) != 0;
  const bool version = execution.number(1) != 0;
  if (version) {
    require_version();
  } else if (table) {
    throw StoreError(StoreErrc::misconfigured, "there is a table of this name that is no store's");
  }
  return table && version;
}

void Session::ensure_schema() {
  guarded([&] {
    if (schema_is_there()) return;
    // Others may be making it just now, so look again under the write lock.
    if (in_callers_transaction()) {
      make_schema_within();
    } else {
      in_transaction([&] {
        if (!schema_is_there()) execute(texts_.schema());
        return true;
      });
    }
  });
}

// Several statements, of which a failure in the caller's transaction must leave none.
void Session::make_schema_within() {
  execute("SAVEPOINT nexus_idempotency_schema");
  try {
    execute(texts_.schema());
    execute("RELEASE nexus_idempotency_schema");
  } catch (...) {
    // If SQLite has rolled back the whole transaction by itself, there is no savepoint any more.
    sqlite3_exec(used_, "ROLLBACK TO nexus_idempotency_schema; RELEASE nexus_idempotency_schema",
                 nullptr, nullptr, nullptr);
    throw;
  }
}

void Session::execute(const std::string& sql) {
  const int code = sqlite3_exec(used_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) raise(sqlite3_extended_errcode(used_), Step::statement);
}

std::optional<IdempotencyRecord> Session::select(const IdempotencyKey& key) {
  Execution execution(statement(Query::select));
  bind_key(execution, key);
  if (!execution.row()) return std::nullopt;
  stores::StoredRow row{.tenant = key.tenant().value(),
                        .operation = key.operation().value(),
                        .client_key = key.client_key().value(),
                        .status = execution.number(0),
                        .fingerprint = execution.bytes(1),
                        .attempt_token = execution.bytes(2),
                        .fence = execution.number(3),
                        .result = execution.bytes(4),
                        .created_at = execution.number(5),
                        .last_transition_at = execution.number(6),
                        .expires_at = execution.number(7)};
  if (row.result->empty() && execution.is_null(4)) row.result.reset();
  if (*row.expires_at == 0 && execution.is_null(7)) row.expires_at.reset();
  return stores::restore(row, key);
}

// Effects: executes a write. Returns: how many rows it wrote.
std::size_t Session::changed_by(Execution& execution) {
  (void)execution.row();
  return static_cast<std::size_t>(sqlite3_changes(used_));
}

std::optional<IdempotencyRecord> Session::find(const IdempotencyKey& key) {
  return call([&] { return select(key); });
}

ClaimPendingResult Session::insert(const IdempotencyRecord& candidate) {
  {
    Execution execution(statement(Query::insert));
    bind_record(execution, candidate);
    if (changed_by(execution) == 1) return {};
  }
  ClaimPendingResult refused{select(candidate.key)};
  if (refused.existing) return refused;
  throw StoreError(StoreErrc::corrupt, "the unique index and the table contradict each other");
}

bool Session::update(const WriteGuard& guard, const IdempotencyRecord& next) {
  Execution execution(statement(Query::update));
  bind_record(execution, next);
  execution.bind(12, guard.attempt_token.value());
  execution.bind(13, guard.fingerprint.value());
  execution.bind(14, stores::status_number(guard.status));
  execution.bind(15, static_cast<std::int64_t>(guard.lease));
  execution.bind(16, stores::microseconds(guard.now));
  return changed_by(execution) == 1;
}

std::size_t Session::purge(Timestamp before, std::size_t limit) {
  limit = std::min(limit, purge_batch);
  std::size_t removed = 0;
  {
    Execution execution(statement(Query::purge));
    execution.bind(1, stores::microseconds(before));
    execution.bind(2, static_cast<std::int64_t>(limit));
    removed = changed_by(execution);
  }
  if (removed == limit) return removed;
  // If any are left, the first of them have one deadline, and are more than may go.
  std::array<std::int64_t, purge_batch> rows;
  std::size_t count = 0;
  {
    Execution execution(statement(Query::lapsed));
    execution.bind(1, stores::microseconds(before));
    execution.bind(2, static_cast<std::int64_t>(limit - removed));
    while (execution.row()) rows[count++] = execution.number(0);
  }
  for (std::size_t i = 0; i < count; ++i) {
    Execution execution(statement(Query::remove));
    execution.bind(1, rows[i]);
    execution.bind(2, stores::microseconds(before));
    removed += changed_by(execution);
  }
  return removed;
}

}  // namespace nexus::idempotency::sqlite
