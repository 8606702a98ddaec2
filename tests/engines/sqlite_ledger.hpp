// SPDX-License-Identifier: MIT
#pragma once

#include <sqlite3.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "engines/ledger.hpp"
#include "nexus/idempotency/sqlite/sqlite_store.hpp"

namespace nexus::idempotency::test {

// A directory of its own for a database.
class ScratchDatabase {
 public:
  ScratchDatabase() {
    std::string name = (std::filesystem::temp_directory_path() / "nexus_engines.XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory_ = name;
  }
  ScratchDatabase(const ScratchDatabase&) = delete;
  ScratchDatabase& operator=(const ScratchDatabase&) = delete;
  ~ScratchDatabase() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  [[nodiscard]] std::string target() const { return (directory_ / "ledger.db").string(); }

 private:
  std::filesystem::path directory_;
};

// Thread-safety: one thread at a time, but for is_waiting().
class SqliteLedger {
 public:
  using Place = ScratchDatabase;

  explicit SqliteLedger(const std::string& target) : target_(target) {
    sqlite3* connection = nullptr;
    const int opened = sqlite3_open(target.c_str(), &connection);
    connection_.reset(connection);
    if (opened != SQLITE_OK) throw std::runtime_error("can't open the database");
    sqlite3_busy_handler(connection, &SqliteLedger::wait, this);
    run("PRAGMA synchronous = FULL");
  }
  SqliteLedger(const SqliteLedger&) = delete;
  SqliteLedger& operator=(const SqliteLedger&) = delete;

  // Effects: makes the tables.
  void set_up() {
    claims_on_file().ensure_schema();
    run("CREATE TABLE ledger (id INTEGER PRIMARY KEY, command TEXT NOT NULL)");
    run("CREATE INDEX ledger_command ON ledger (command)");
  }

  void begin() { run("BEGIN IMMEDIATE"); }
  void commit() { run("COMMIT"); }
  void roll_back() noexcept {
    sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  std::string insert(std::string_view command) {
    return "row " +
           run("INSERT INTO ledger (command) VALUES ('" + std::string(command) + "') RETURNING id");
  }
  std::string contradictions() { return run(test::contradictions("cast(% AS TEXT)")); }
  long long rows(std::string_view command) {
    return std::stoll(
        run("SELECT count(*) FROM ledger WHERE command = '" + std::string(command) + "'"));
  }

  IdempotencyStore& claims() { return claims_on_file(); }
  IdempotencyStore& outcomes() {
    if (!outcomes_) outcomes_.emplace(connection_.get());
    return *outcomes_;
  }

  // Returns: whether a statement has met another's lock since it was last asked.
  bool is_waiting() { return waiting_.exchange(false); }

  // How often a statement looks again, a millisecond apart, before it fails.
  void be_patient(int times) { patience_ = times; }

  // Runs statements. Returns: the first value of the last row.
  std::string run(const std::string& sql) {
    std::string value;
    const auto keep = [](void* into, int columns, char** values, char**) {
      if (columns > 0 && values[0] != nullptr) *static_cast<std::string*>(into) = values[0];
      return 0;
    };
    if (sqlite3_exec(connection_.get(), sql.c_str(), keep, &value, nullptr) != SQLITE_OK) {
      throw std::runtime_error(sqlite3_errmsg(connection_.get()));
    }
    return value;
  }

  [[nodiscard]] sqlite3* connection() const { return connection_.get(); }

 private:
  static int wait(void* self, int times) {
    auto& ledger = *static_cast<SqliteLedger*>(self);
    ledger.waiting_ = true;
    if (times >= ledger.patience_) return 0;
    sqlite3_sleep(1);
    return 1;
  }

  SqliteIdempotencyStore& claims_on_file() {
    if (!claims_) claims_.emplace(std::filesystem::path(target_));
    return *claims_;
  }

  const std::string target_;
  std::atomic<bool> waiting_{false};
  std::atomic<int> patience_{20000};
  std::unique_ptr<sqlite3, decltype(&sqlite3_close)> connection_{nullptr, &sqlite3_close};
  std::optional<SqliteIdempotencyStore> claims_;
  std::optional<SqliteIdempotencyStore> outcomes_;
};

}  // namespace nexus::idempotency::test
