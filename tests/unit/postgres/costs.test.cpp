// SPDX-License-Identifier: MIT
// What a call costs, counted: messages to the server, log written, and the plans behind them.
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <thread>

#include "nexus/idempotency/postgres/postgres_store.hpp"
#include "support/catch.hpp"
#include "unit/postgres/table.hpp"

namespace {

std::atomic<int> messages_sent{0};

}  // namespace

// In place of the C library's, which libpq writes to its sockets with.
extern "C" ssize_t send(int socket, const void* bytes, std::size_t length, int flags) {
  ++messages_sent;
  return syscall(SYS_sendto, socket, bytes, length, flags, nullptr, 0);
}

namespace {

using namespace nexus::idempotency;
using test::caught;
using test::completed;
using test::guard_of;
using test::key;
using test::pending;
using test::Sql;
using test::Table;

// Returns: how many times `call` sends something.
template <class Call>
int sent_by(Call call) {
  const int before = messages_sent;
  call();
  return messages_sent - before;
}

void check_one_round_trip_each(PostgresIdempotencyStore& store) {
  (void)store.find(key());  // connects, and prepares
  CHECK(sent_by([&] { (void)store.find(key()); }) == 1);
  CHECK(sent_by([&] { REQUIRE(store.claim_pending(pending()).claimed_new()); }) == 1);
  CHECK(sent_by([&] { REQUIRE_FALSE(store.claim_pending(pending()).claimed_new()); }) == 1);
  CHECK(sent_by([&] { REQUIRE(store.save_if(guard_of(pending()), completed(pending()))); }) == 1);
  CHECK(sent_by([&] { REQUIRE_FALSE(store.save_if(guard_of(pending()), completed(pending()))); }) ==
        1);
  CHECK(sent_by([&] { REQUIRE(store.purge_expired(Timestamp::max(), 10) == 1); }) == 1);
}

}  // namespace

TEST_CASE("each call is one round trip, in every kind") {
  Table table;
  check_one_round_trip_each(*table.store);
  PostgresIdempotencyStore unprepared(table.conninfo, {.table = table.name(), .prepare = false});
  check_one_round_trip_each(unprepared);
  PostgresIdempotencyStore borrowed(table.sql.get(), table.name());
  check_one_round_trip_each(borrowed);
  table.sql.run("BEGIN");
  check_one_round_trip_each(borrowed);
  table.sql.run("COMMIT");
}

TEST_CASE("a replay writes nothing to the log") {
  Table table;
  REQUIRE(table.store->claim_pending(pending()).claimed_new());
  REQUIRE(table.store->save_if(guard_of(pending()), completed(pending())));
  // The server's own processes write now and then; they do not in each of these spans.
  bool nothing_written = false;
  for (int attempt = 0; attempt < 10 && !nothing_written; ++attempt) {
    table.sql.run("CHECKPOINT");
    const std::string before = table.sql.value("SELECT pg_current_wal_insert_lsn()");
    for (int i = 0; i < 1000; ++i)
      REQUIRE_FALSE(table.store->claim_pending(pending()).claimed_new());
    nothing_written = table.sql.value("SELECT pg_current_wal_insert_lsn()") == before;
  }
  CHECK(nothing_written);
}

TEST_CASE("a replay is found without a call of the claim's function") {
  Table table;
  const std::string name = table.name();
  REQUIRE(table.store->claim_pending(pending()).claimed_new());
  table.sql.run("CREATE OR REPLACE FUNCTION " + name + "_claim(" +
                table.sql.value("SELECT pg_get_function_arguments('" + name + "_claim'::regproc)") +
                ") RETURNS " + name + " LANGUAGE plpgsql AS 'BEGIN RAISE ''called''; END'");
  CHECK_FALSE(table.store->claim_pending(pending()).claimed_new());
  CHECK(caught([&] { (void)table.store->claim_pending(pending("another")); }).native_code() ==
        "P0001");
}

namespace {

// Effects: adds records, without reading the table.
void grow(Sql& sql, const std::string& table, int records) {
  sql.run("INSERT INTO " + table +
          " SELECT 7, 0, 0, n, 0, 'tenant-1', 'payments.charge', convert_to('more-' || n, 'UTF8'), "
          "'fingerprint-1',"
          " 'token-1', NULL FROM generate_series(1, " +
          std::to_string(records) + ") AS n");
}

void call_everything(PostgresIdempotencyStore& store, const std::string& name) {
  // More than the five times after which PostgreSQL may settle on a plan.
  for (int i = 0; i < 10; ++i) {
    const IdempotencyRecord record = pending(name + std::to_string(i));
    REQUIRE(store.claim_pending(record).claimed_new());
    REQUIRE_FALSE(store.claim_pending(record).claimed_new());
    REQUIRE(store.save_if(guard_of(record), completed(record)));
    (void)store.purge_expired(Timestamp(Duration(100)), 10);
  }
}

}  // namespace

TEST_CASE(
    "a table that is known to be small is read by its keys all the same, as the plans are kept "
    "while it grows") {
  Table table;
  const std::string name = table.name();
  grow(table.sql, name, 5);
  table.sql.run("ALTER TABLE " + name + " SET (autovacuum_enabled = off)");
  table.sql.run("VACUUM ANALYZE " + name);  // now it is known to be small

  SECTION("on the store's connections") {
    // Before, what one session has counted is shown to others late.
    if (PQserverVersion(table.sql.get()) < 150000) return;
    table.sql.run("SELECT pg_stat_reset_single_table_counters('" + name + "'::regclass)");
    call_everything(*table.store, "small");
    table.store.reset();  // a session tells its counts when it ends, if not before
    while (table.sessions() != "0") std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const std::string counts =
        "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = '" + name + "'";
    CHECK(table.sql.value(counts) == "0");
  }
  SECTION("on the caller's connection") {
    PostgresIdempotencyStore borrowed(table.sql.get(), name);
    table.sql.run("BEGIN");
    call_everything(borrowed, "small");
    CHECK(table.sql.value("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = '" + name +
                          "'") == "0");
    table.sql.run("ROLLBACK");
  }
}
