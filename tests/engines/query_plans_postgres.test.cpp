// SPDX-License-Identifier: MIT
// What PostgreSQL does for each statement that the store really runs, on a million records: it goes
// by the primary key or by the index of the deadlines, and never through the table.
#include <libpq-fe.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engines/child.hpp"
#include "engines/postgres_ledger.hpp"
#include "engines/sample_calls.hpp"
#include "nexus/idempotency/postgres/postgres_store.hpp"
#include "support/catch.hpp"
#include "support/schema_file.hpp"

namespace nexus::idempotency::test {
namespace {

using namespace std::chrono_literals;

// A connection whose server tells the plan of every statement that it executes, also of those
// within functions.
class TalkativeConnection {
 public:
  explicit TalkativeConnection(const std::string& target) : sql_(target) {
    sql_.run(
        "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0;"
        "SET auto_explain.log_nested_statements = on; SET client_min_messages = log");
    PQsetNoticeReceiver(sql_.get(), &keep, &plans_);
  }

  [[nodiscard]] PGconn* get() const { return sql_.get(); }
  // Effects: forgets them. Returns: the plans since the last time.
  std::set<std::string> take() { return std::exchange(plans_, {}); }

 private:
  static void keep(void* plans, const PGresult* message) {
    const char* text = PQresultErrorField(message, PG_DIAG_MESSAGE_PRIMARY);
    if (text == nullptr) return;
    std::string plan = text;
    plan.erase(0, plan.find('\n'));  // how long it took
    static_cast<std::set<std::string>*>(plans)->insert(plan);
  }

  Sql sql_;
  std::set<std::string> plans_;
};

bool matches(const std::string& text, const char* pattern) {
  return std::regex_search(text, std::regex(pattern));
}

void check_plans(const std::set<std::string>& plans) {
  std::size_t by_key = 0;
  std::size_t by_deadline = 0;
  for (const std::string& plan : plans) {
    CAPTURE(plan);
    CHECK_FALSE(matches(plan, "Seq Scan on nexus_idempotency( |\n|$)"));
    CHECK_FALSE(matches(plan, "Sort|Function Scan|Filter: .*client_key"));
    if (matches(plan, "using nexus_idempotency_pkey")) {
      CHECK(matches(plan, "Index Cond: .*tenant = .*operation = .*client_key = "));
      ++by_key;
    }
    if (matches(plan, "using nexus_idempotency_expires_at_idx")) {
      CHECK(matches(plan, "Index Cond: .*expires_at < "));
      ++by_deadline;
    }
    const bool of_the_table = matches(plan, "Scan .*nexus_idempotency( |\n|$)");
    const bool indexed = matches(plan, "using nexus_idempotency_(pkey|expires_at_idx)");
    if (of_the_table) CHECK(indexed);
  }
  CHECK(by_key >= 3);  // find, claim, save
  CHECK(by_deadline >= 1);
}

struct Scans {
  long sequential;
  long rows_in_sequence;
  long by_index;
};

// Effects: waits until the sessions that ended have reported what they counted.
void wait_for_sessions(Sql& sql) {
  while (sql.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = "
                   "'nexus_idempotency'") != "0") {
    std::this_thread::sleep_for(10ms);
  }
  // Before version 15, what the server tells of it may be half a second old.
  if (PQserverVersion(sql.get()) < 150000) std::this_thread::sleep_for(1s);
}

// Returns: what was counted of the table.
Scans scans(Sql& sql) {
  wait_for_sessions(sql);
  const std::vector<std::string> row = sql.run(
      "SELECT seq_scan, seq_tup_read, idx_scan FROM pg_stat_user_tables "
      "WHERE relid = 'nexus_idempotency'::regclass");
  return {std::stol(row.at(0)), std::stol(row.at(1)), std::stol(row.at(2))};
}

void fill(Sql& sql) {
  sql.run(
      "INSERT INTO nexus_idempotency (tenant, operation, client_key, status, fingerprint,"
      " attempt_token, fence, result, created_at, last_transition_at, expires_at)"
      " SELECT 'acct_7', 'ledger.charge', to_char(i, 'FM00000000')::bytea, 0, 'cents=1000',"
      " 'token', 1, NULL, i, i, CASE WHEN i <= " +
      std::to_string(sample_lapsed) + " THEN i ELSE 4102444800000000 END FROM generate_series(1, " +
      std::to_string(sample_records) + ") AS i ON CONFLICT DO NOTHING");
}

PostgresStoreOptions options(bool prepare) {
  PostgresStoreOptions chosen;
  chosen.pool_size = 1;
  chosen.prepare = prepare;
  return chosen;
}

// One pass, as the table is dear to fill.
TEST_CASE("PostgreSQL: every statement goes by an index, at a million records") {
  const ScratchSchema place;
  const std::string target = place.target("-c synchronous_commit=off");
  Sql sql(target);
  PostgresIdempotencyStore(target).ensure_schema();
  // What autovacuum would do at any moment is done here at known ones.
  sql.run("ALTER TABLE nexus_idempotency SET (autovacuum_enabled = false)");

  // Connections that have all their plans from when the table was known to be empty, when a scan
  // was right; and which keep them while it grows.
  sql.run("VACUUM ANALYZE nexus_idempotency");
  const Scans empty = scans(sql);
  auto old_prepared = std::make_unique<PostgresIdempotencyStore>(target, options(true));
  auto old_unprepared = std::make_unique<PostgresIdempotencyStore>(target, options(false));
  TalkativeConnection old_connection(target);
  PostgresIdempotencyStore old_borrowed(old_connection.get());
  for (IdempotencyStore* store : {static_cast<IdempotencyStore*>(old_prepared.get()),
                                  static_cast<IdempotencyStore*>(old_unprepared.get()),
                                  static_cast<IdempotencyStore*>(&old_borrowed)}) {
    call_everything(*store, 10);
  }
  (void)old_connection.take();
  fill(sql);

  {
    INFO("plans from when the table was empty, on connections of the store's own");
    call_everything(*old_prepared, 10);
    call_everything(*old_unprepared, 10);
    old_prepared.reset();
    old_unprepared.reset();
    const Scans grown = scans(sql);
    CHECK(grown.rows_in_sequence - empty.rows_in_sequence < sample_records / 10);
  }
  {
    INFO("plans from when the table was empty, on a connection of the caller's");
    call_everything(old_borrowed, 10);
    check_plans(old_connection.take());
  }
  const auto without_scans = [&](const char* when) {
    CAPTURE(when);
    TalkativeConnection connection(target);
    PostgresIdempotencyStore borrowed(connection.get());
    call_everything(borrowed, 20);  // after five times, a plan may become generic
    check_plans(connection.take());

    for (const bool prepare : {true, false}) {
      CAPTURE(prepare);
      const Scans before = scans(sql);
      {
        PostgresIdempotencyStore store(target, options(prepare));
        call_everything(store, 1000);
      }
      const Scans after = scans(sql);
      CHECK(after.sequential == before.sequential);
      CHECK(after.by_index - before.by_index >= 9000);
    }
  };
  without_scans("statistics say that the table is empty");
  sql.run("ANALYZE nexus_idempotency");
  without_scans("statistics are right");
  call_everything(old_borrowed, 10);
  check_plans(old_connection.take());

  {
    INFO("a purge passes over what another one has locked");
    const long lapsed = std::stol(
        sql.value("SELECT count(*) FROM nexus_idempotency WHERE expires_at < 3600000000"));
    sql.run("BEGIN");
    PostgresIdempotencyStore borrowed(sql.get());
    CHECK(borrowed.purge_expired(sample_purge_time, 1000) == 1000);
    // Not by waiting: the other one's locks stay until the rollback below.
    PostgresIdempotencyStore other(target, options(true));
    CHECK(other.purge_expired(sample_purge_time, 1000) == 1000);
    CHECK(other.purge_expired(sample_purge_time, 1'000'000) ==
          static_cast<std::size_t>(lapsed) - 2000);
    CHECK(other.purge_expired(sample_purge_time, 1'000'000) == 0);
    sql.run("ROLLBACK");
    CHECK(other.purge_expired(sample_purge_time, 1'000'000) == 1000);
  }
  {
    INFO("purges of several processes get on, and remove each record once");
    sql.run("UPDATE nexus_idempotency SET expires_at = 1 WHERE client_key < '00300000'");
    const long lapsed = std::stol(
        sql.value("SELECT count(*) FROM nexus_idempotency WHERE expires_at < 3600000000"));
    const long all = std::stol(sql.value("SELECT count(*) FROM nexus_idempotency"));
    CHECK(lapsed > 0);
    std::vector<std::unique_ptr<Child>> purgers(4);
    for (auto& purger : purgers) {
      purger = std::make_unique<Child>(std::vector<std::string>{
          NEXUS_IDEMPOTENCY_LEDGER_WORKER, target, "purge", "3600000000", "2000"});
    }
    long removed = 0;
    for (const auto& purger : purgers) {
      removed += std::stol(purger->output());
      CHECK(purger->wait() == 0);
    }
    CHECK(removed == lapsed);
    CHECK(std::stol(sql.value("SELECT count(*) FROM nexus_idempotency")) == all - lapsed);
  }
}

// Returns: how often its partitions were read from end to end, and by index.
Scans scans_of_partitions(Sql& sql) {
  wait_for_sessions(sql);
  const std::vector<std::string> row = sql.run(
      "SELECT sum(seq_scan), sum(seq_tup_read), sum(idx_scan) FROM pg_stat_user_tables "
      "WHERE relid IN (SELECT inhrelid FROM pg_inherits "
      "WHERE inhparent = 'nexus_idempotency_rows'::regclass)");
  return {std::stol(row.at(0)), std::stol(row.at(1)), std::stol(row.at(2))};
}

TEST_CASE("PostgreSQL in partitions: whatever goes by a key goes by the index of each") {
  const ScratchSchema place;
  const std::string target = place.target("-c synchronous_commit=off");
  Sql sql(target);
  sql.run(schema_for("schema_partitioned.sql", "nexus_idempotency"));
  sql.run("SELECT nexus_idempotency_rotate(0, '0')");  // the second of two
  sql.run("VACUUM ANALYZE nexus_idempotency_rows");    // known to be empty, when a scan is right
  const Scans empty = scans_of_partitions(sql);
  TalkativeConnection old_connection(target);
  PostgresIdempotencyStore old_borrowed(old_connection.get());
  auto old_prepared = std::make_unique<PostgresIdempotencyStore>(target, options(true));
  call_by_key(old_borrowed, 10);
  call_by_key(*old_prepared, 10);
  (void)old_connection.take();
  sql.run(
      "INSERT INTO nexus_idempotency_rows (tenant, operation, client_key, status, fingerprint,"
      " attempt_token, fence, result, created_at, last_transition_at, expires_at, period)"
      " SELECT 'acct_7', 'ledger.charge', to_char(i, 'FM00000000')::bytea, 0, 'cents=1000',"
      " 'token', 1, NULL, i, i, 4102444800000000, (SELECT period FROM nexus_idempotency_schema)"
      " - i % 2 FROM generate_series(1, 100000) AS i ON CONFLICT DO NOTHING");

  const auto check = [&](TalkativeConnection& connection, const char* when) {
    CAPTURE(when);
    std::size_t by_key = 0;
    for (const std::string& plan : connection.take()) {
      CAPTURE(plan);
      CHECK_FALSE(matches(
          plan, "Seq Scan on nexus_idempotency_p|Sort|Filter: .*(tenant|operation|client_key)"));
      if (!matches(plan, "Index Cond: .*tenant = .*operation = .*client_key = ")) continue;
      ++by_key;
      CHECK_FALSE(matches(plan, "Hash|Merge Join"));
    }
    CHECK(by_key >= 3);  // find, claim, save
  };
  call_by_key(old_borrowed, 10);
  check(old_connection, "plans from when it was empty");
  sql.run("ANALYZE");
  call_by_key(old_borrowed, 10);
  check(old_connection, "plans from when it was empty, and statistics are right");
  TalkativeConnection connection(target);
  PostgresIdempotencyStore borrowed(connection.get());
  call_by_key(borrowed, 20);
  check(connection, "statistics are right");

  call_by_key(*old_prepared, 100);
  old_prepared.reset();
  const Scans before = scans_of_partitions(sql);
  CHECK(before.rows_in_sequence - empty.rows_in_sequence < 10'000);
  for (const bool prepare : {true, false}) {
    PostgresIdempotencyStore store(target, options(prepare));
    call_by_key(store, 100);
  }
  const Scans after = scans_of_partitions(sql);
  CHECK(after.sequential == before.sequential);
  CHECK(after.by_index - before.by_index >= 1400);
}

}  // namespace
}  // namespace nexus::idempotency::test
