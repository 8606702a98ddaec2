// SPDX-License-Identifier: MIT
#pragma once

#include <libpq-fe.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "engines/ledger.hpp"
#include "nexus/idempotency/postgres/postgres_store.hpp"
#include "support/postgres_server.hpp"

namespace nexus::idempotency::test {

// A schema of its own for the tables.
class ScratchSchema {
 public:
  ScratchSchema() : name_(fresh_name("ledger")) { Sql().run("CREATE SCHEMA " + name_); }
  // `settings`: for the sessions, each "-c name=value".
  [[nodiscard]] std::string target(const std::string& settings = "") const {
    return postgres_conninfo() + " options='-c search_path=" + name_ + " " + settings + "'";
  }

 private:
  std::string name_;
};

// Thread-safety: one thread at a time, but for is_waiting().
class PostgresLedger {
 public:
  using Place = ScratchSchema;

  explicit PostgresLedger(const std::string& target) : target_(target), sql_(target) {}

  // Effects: makes the tables.
  void set_up() {
    claims_on_pool().ensure_schema();
    run("CREATE TABLE ledger (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, command text NOT "
        "NULL)");
    run("CREATE INDEX ON ledger (command)");
  }

  void begin() { run("BEGIN ISOLATION LEVEL READ COMMITTED"); }
  void commit() {
    // To COMMIT, a transaction that has failed is rolled back without an error.
    if (PQtransactionStatus(sql_.get()) != PQTRANS_INTRANS) {
      throw std::runtime_error("the transaction has failed");
    }
    run("COMMIT");
  }
  void roll_back() noexcept { PQclear(PQexec(sql_.get(), "ROLLBACK")); }
  std::string insert(std::string_view command) {
    return "row " +
           run("INSERT INTO ledger (command) VALUES ('" + std::string(command) + "') RETURNING id");
  }
  std::string contradictions() { return run(test::contradictions("convert_from(%, 'UTF8')")); }
  long long rows(std::string_view command) {
    return std::stoll(
        run("SELECT count(*) FROM ledger WHERE command = '" + std::string(command) + "'"));
  }

  IdempotencyStore& claims() { return claims_on_pool(); }
  IdempotencyStore& outcomes() {
    if (!outcomes_) outcomes_.emplace(sql_.get());
    return *outcomes_;
  }

  // Returns: whether its session waits for another transaction.
  bool is_waiting() {
    if (!watcher_) watcher_.emplace();
    return watcher_->value("SELECT cardinality(pg_blocking_pids(" + sql_.pid() + "))") != "0";
  }

  // Runs statements. Returns: the first value of the last one.
  std::string run(const std::string& sql) {
    const std::vector<std::string> values = sql_.run(sql);
    return values.empty() ? std::string() : values.front();
  }

 private:
  PostgresIdempotencyStore& claims_on_pool() {
    if (!claims_) claims_.emplace(target_);
    return *claims_;
  }

  const std::string target_;
  Sql sql_;
  std::optional<Sql> watcher_;
  std::optional<PostgresIdempotencyStore> claims_;
  std::optional<PostgresIdempotencyStore> outcomes_;
};

}  // namespace nexus::idempotency::test
