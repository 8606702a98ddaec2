// SPDX-License-Identifier: MIT
// The ledger and the records in one SQLite database: a row is there if and only if its record says
// "completed", whenever the process is killed.
#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <nexus/idempotency/sqlite/sqlite_store.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "books.hpp"

namespace payments {
namespace {

// The application's own database code, as small as it gets.
class Database {
 public:
  explicit Database(const std::filesystem::path& file) {
    const int opened = sqlite3_open(file.c_str(), &connection_);
    owner_.reset(connection_);
    if (opened != SQLITE_OK) throw std::runtime_error("can't open the database");
    sqlite3_busy_timeout(connection_, 5000);
    run("PRAGMA synchronous = FULL");
  }

  [[nodiscard]] sqlite3* connection() const { return connection_; }

  void run(const char* sql) {
    if (sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail();
  }

  // Runs a statement with these parameters, and calls `row` with it for each row.
  template <class Row>
  void run(const char* sql, const std::vector<std::string>& parameters, Row row) {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(connection_, sql, -1, &raw, nullptr) != SQLITE_OK) fail();
    const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> statement(raw,
                                                                               &sqlite3_finalize);
    int position = 0;
    for (const std::string& parameter : parameters) {
      sqlite3_bind_blob64(raw, ++position, parameter.data(), parameter.size(), SQLITE_STATIC);
    }
    int stepped = sqlite3_step(raw);
    for (; stepped == SQLITE_ROW; stepped = sqlite3_step(raw)) row(raw);
    if (stepped != SQLITE_DONE) fail();
  }

 private:
  [[noreturn]] void fail() { throw std::runtime_error(sqlite3_errmsg(connection_)); }

  sqlite3* connection_ = nullptr;
  std::unique_ptr<sqlite3, decltype(&sqlite3_close)> owner_{nullptr, &sqlite3_close};
};

// A transaction that writes: rolled back unless it is committed.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) {
    database_.run("BEGIN IMMEDIATE");
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    if (!committed_) sqlite3_exec(database_.connection(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  void commit() {
    database_.run("COMMIT");
    committed_ = true;
  }

 private:
  Database& database_;
  bool committed_ = false;
};

std::string text_of(sqlite3_stmt* row, int column) {
  const void* bytes = sqlite3_column_blob(row, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(row, column));
  return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

class SqliteBooks final : public Books {
 public:
  SqliteBooks(const std::filesystem::path& file, const IdempotencyPolicy& policy)
      : claims_store_(file),
        database_(file),
        outcomes_store_(database_.connection()),
        claims_(claims_store_, clock_, policy),
        outcomes_(outcomes_store_, clock_, policy) {
    claims_store_.ensure_schema();
    database_.run(
        "CREATE TABLE IF NOT EXISTS ledger (id INTEGER PRIMARY KEY, tenant BLOB NOT NULL, "
        "operation "
        "BLOB NOT NULL, client_key BLOB NOT NULL, body BLOB NOT NULL)");
  }

  IdempotencyService& service() override { return claims_; }
  IdempotencyStore& store() override { return claims_store_; }

  // The claim was made on the store's own connection, and is committed. The row and the outcome
  // are committed together on ours. SQLite has one writer at a time anyway, so one is enough.
  HttpResponse charge(const Charge& charge, HttpExecution* execution) override {
    const std::lock_guard lock(mutex_);
    Transaction transaction(database_);
    std::string id;
    database_.run(
        "INSERT INTO ledger (tenant, operation, client_key, body) VALUES (?, ?, ?, ?) RETURNING id",
        {charge.tenant, charge.operation, charge.key, charge.body},
        [&](sqlite3_stmt* row) { id = "ch_" + std::to_string(sqlite3_column_int64(row, 0)); });
    HttpResponse response = receipt(id);
    if (execution != nullptr) {  // if that fails, the row is rolled back
      outcomes_.complete(*execution->attempt(), execution->envelope(response));
    }
    transaction.commit();
    if (execution != nullptr) execution->mark_recorded();
    return response;
  }

  std::vector<LedgerRow> rows() override {
    const std::lock_guard lock(mutex_);
    std::vector<LedgerRow> rows;
    database_.run(
        "SELECT id, tenant, operation, client_key, body FROM ledger ORDER BY id", {},
        [&](sqlite3_stmt* row) {
          rows.push_back({"ch_" + text_of(row, 0),
                          {text_of(row, 1), text_of(row, 2), text_of(row, 3), text_of(row, 4)}});
        });
    return rows;
  }

 private:
  SystemClock clock_;
  SqliteIdempotencyStore claims_store_;
  std::mutex mutex_;
  Database database_;
  SqliteIdempotencyStore outcomes_store_;
  IdempotencyService claims_;
  IdempotencyService outcomes_;
};

}  // namespace

std::unique_ptr<Books> open_sqlite_books(const std::string& path, const IdempotencyPolicy& policy) {
  return std::make_unique<SqliteBooks>(path, policy);
}

}  // namespace payments
