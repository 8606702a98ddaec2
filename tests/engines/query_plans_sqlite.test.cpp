// SPDX-License-Identifier: MIT
// What SQLite does for each statement that the store really runs, on a million records: it goes by
// the primary key or by the index of the deadlines, and never through the table.
#include <sqlite3.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "engines/child.hpp"
#include "engines/sample_calls.hpp"
#include "engines/sqlite_ledger.hpp"
#include "nexus/idempotency/sqlite/sqlite_store.hpp"
#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

// All statements of all connections that are opened while it is there, and how many rows each has
// gone through for want of an index.
class Recorder {
 public:
  Recorder() {
    recorder_ = this;
    // Its parameter's type is what SQLite casts such functions to, and back.
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(&on_open));
  }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  ~Recorder() {
    sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(&on_open));
    recorder_ = nullptr;
  }

  // Effects: forgets them. Returns: the statements, and the steps of scans of each.
  std::map<std::string, long> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(statements_, {});
  }

 private:
  static int on_open(sqlite3* connection, char**, const struct sqlite3_api_routines*) {
    return sqlite3_trace_v2(connection, SQLITE_TRACE_PROFILE, &on_end, nullptr);
  }
  static int on_end(unsigned, void*, void* ended, void*) {
    auto* statement = static_cast<sqlite3_stmt*>(ended);
    const long steps = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);
    const std::lock_guard lock(recorder_->mutex_);
    recorder_->statements_[sqlite3_sql(statement)] += steps;
    return 0;
  }

  static inline Recorder* recorder_ = nullptr;
  std::mutex mutex_;
  std::map<std::string, long> statements_;
};

std::vector<std::string> plan_of(sqlite3* connection, const std::string& sql) {
  std::vector<std::string> plan;
  sqlite3_stmt* raw = nullptr;
  const std::string explain = "EXPLAIN QUERY PLAN " + sql;
  if (sqlite3_prepare_v2(connection, explain.c_str(), -1, &raw, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sqlite3_errmsg(connection));
  }
  const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> statement(raw,
                                                                             &sqlite3_finalize);
  while (sqlite3_step(raw) == SQLITE_ROW) {
    plan.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(raw, 3)));
  }
  return plan;
}

void fill(SqliteLedger& database) {
  database.run(
      "BEGIN; INSERT INTO nexus_idempotency (tenant, operation, client_key, status, fingerprint,"
      " attempt_token, fence, result, created_at, last_transition_at, expires_at)"
      " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
      std::to_string(sample_records) +
      ") SELECT CAST('acct_7' AS BLOB), CAST('ledger.charge' AS BLOB),"
      " CAST(printf('%08d', i) AS BLOB), 0, CAST('cents=1000' AS BLOB), CAST('token' AS BLOB), 1,"
      " NULL, i, i, CASE WHEN i <= " +
      std::to_string(sample_lapsed) +
      " THEN i ELSE 4102444800000000 END FROM n WHERE true ON CONFLICT DO NOTHING; COMMIT");
}

// Effects: checks what was recorded, and its plans as they are now.
void check(Recorder& recorder, SqliteLedger& database) {
  std::size_t by_primary_key = 0;
  std::size_t by_deadline = 0;
  for (const auto& [sql, steps] : recorder.take()) {
    const bool of_the_table = sql.find("nexus_idempotency") != std::string::npos;
    const bool of_its_version = sql.find("nexus_idempotency_schema") != std::string::npos;
    if (!of_the_table || of_its_version) continue;
    CAPTURE(sql);
    CHECK(steps == 0);
    for (const std::string& step : plan_of(database.connection(), sql)) {
      CAPTURE(step);
      CHECK(step.find("SCAN") == std::string::npos);
      CHECK(step.find("TEMP B-TREE") == std::string::npos);  // nothing has to be sorted
      if (step.find("USING") == std::string::npos) continue;
      const bool key =
          step.find(
              "USING INDEX sqlite_autoindex_nexus_idempotency_1 (tenant=? AND operation=? AND "
              "client_key=?)") != std::string::npos;
      const bool deadline =
          step.find("INDEX nexus_idempotency_expiry (expires_at<?)") != std::string::npos;
      const bool row = step.find("USING INTEGER PRIMARY KEY (rowid=?)") != std::string::npos;
      CHECK((key || deadline || row));
      by_primary_key += key ? 1 : 0;
      by_deadline += deadline ? 1 : 0;
    }
  }
  CHECK(by_primary_key >= 2);  // find and save
  CHECK(by_deadline >= 1);     // purge
}

// One pass, as the table is dear to fill.
TEST_CASE("SQLite: every statement goes by an index, at a million records") {
  const ScratchDatabase place;
  SqliteLedger aside(place.target());  // the test's own, not recorded
  aside.run("PRAGMA journal_mode = WAL");
  aside.run("PRAGMA synchronous = OFF");
  SqliteIdempotencyStore(aside.connection()).ensure_schema();

  Recorder recorder;
  SqliteLedger database(place.target());
  database.run("PRAGMA synchronous = OFF");

  // Connections that have their statements from when the table was empty.
  SqliteStoreOptions options;
  options.synchronous = SqliteSynchronous::normal;
  SqliteIdempotencyStore old_store(std::filesystem::path(place.target()), options);
  call_everything(old_store, 10);
  call_everything(database.outcomes(), 10);
  (void)recorder.take();
  fill(aside);
  const auto without_scans = [&](const char* when) {
    CAPTURE(when);
    call_everything(old_store, 10);
    call_everything(database.outcomes(), 10);
    SqliteIdempotencyStore store(std::filesystem::path(place.target()), options);
    call_everything(store, 100);
    check(recorder, aside);
  };
  CHECK(aside.run("SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'") == "0");
  without_scans("there are no statistics");
  aside.run("ANALYZE");
  without_scans("statistics are right");
  aside.run("UPDATE sqlite_stat1 SET stat = '1 1 1 1' WHERE idx LIKE 'sqlite_autoindex%'");
  // Two records of one deadline; by "1 1" SQLite would use the index unasked.
  aside.run("UPDATE sqlite_stat1 SET stat = '2 2' WHERE idx LIKE '%expiry'");
  aside.run("ANALYZE sqlite_master");
  without_scans("statistics say that the table is small");

  {
    INFO("purges of several processes get on, and remove each record once");
    const long lapsed = std::stol(
        aside.run("SELECT count(*) FROM nexus_idempotency WHERE expires_at < 3600000000"));
    const long all = std::stol(aside.run("SELECT count(*) FROM nexus_idempotency"));
    std::vector<std::unique_ptr<Child>> purgers(4);
    for (auto& purger : purgers) {
      purger = std::make_unique<Child>(std::vector<std::string>{
          NEXUS_IDEMPOTENCY_LEDGER_WORKER, place.target(), "purge", "3600000000", "2000"});
    }
    long removed = 0;
    for (const auto& purger : purgers) {
      removed += std::stol(purger->output());
      CHECK(purger->wait() == 0);
    }
    CHECK(removed == lapsed);
    CHECK(std::stol(aside.run("SELECT count(*) FROM nexus_idempotency")) == all - lapsed);
    CHECK(aside.run("PRAGMA integrity_check") == "ok");
  }
}

}  // namespace
}  // namespace nexus::idempotency::test
