// SPDX-License-Identifier: MIT
// The store on a connection of the caller's: what happens to the caller's transaction and settings.
#include <sqlite3.h>

#include <chrono>
#include <string>

#include "nexus/idempotency/sqlite/sqlite_store.hpp"
#include "support/catch.hpp"
#include "support/store_error.hpp"
#include "unit/sqlite/samples.hpp"
#include "unit/sqlite/scratch.hpp"

namespace {

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;

// A caller with a table of its own, and a second connection to see what is committed.
struct Caller {
  Scratch scratch;
  Connection connection = open_connection(scratch.file());
  SqliteIdempotencyStore store{connection.get()};
  Connection other = open_connection(scratch.file());

  Caller() {
    store.ensure_schema();
    execute(connection, "CREATE TABLE ledger (amount INTEGER)");
  }
  bool in_transaction() const { return sqlite3_get_autocommit(connection.get()) == 0; }
  std::string committed_entries() const { return ask(other, "SELECT count(*) FROM ledger"); }
  std::string committed_statuses() const {
    return ask(other, "SELECT group_concat(status) FROM nexus_idempotency");
  }
};

}  // namespace

TEST_CASE("SQLite, borrowed: all in the caller's transaction commits together") {
  Caller caller;
  execute(caller.connection, "BEGIN IMMEDIATE");
  CHECK(caller.store.claim_pending(pending()).claimed_new());
  execute(caller.connection, "INSERT INTO ledger VALUES (1)");
  CHECK(caller.store.save_if(guard_of(pending()), completed(pending())));
  CHECK(caller.store.claim_pending(pending()).existing == completed(pending()));
  CHECK(caller.in_transaction());
  CHECK(caller.committed_statuses().empty());
  execute(caller.connection, "COMMIT");
  CHECK(caller.committed_entries() == "1");
  CHECK(caller.committed_statuses() == "1");
}

TEST_CASE("SQLite, borrowed: a rollback leaves neither the effect nor the record") {
  Caller caller;
  execute(caller.connection, "BEGIN IMMEDIATE");
  CHECK(caller.store.claim_pending(pending()).claimed_new());
  execute(caller.connection, "INSERT INTO ledger VALUES (1)");
  execute(caller.connection, "ROLLBACK");
  CHECK(!caller.store.find(pending().key));
  CHECK(caller.committed_entries() == "0");
  CHECK(caller.store.claim_pending(pending("key", "token-2")).claimed_new());
}

TEST_CASE("SQLite, borrowed: a claim committed first, its completion with the effect") {
  Caller caller;
  CHECK(caller.store.claim_pending(pending()).claimed_new());  // a transaction of its own
  CHECK(!caller.in_transaction());
  CHECK(caller.committed_statuses() == "0");

  execute(caller.connection, "BEGIN IMMEDIATE");
  execute(caller.connection, "INSERT INTO ledger VALUES (1)");
  CHECK(caller.store.save_if(guard_of(pending()), completed(pending())));
  execute(caller.connection, "ROLLBACK");
  CHECK(caller.committed_statuses() == "0");  // still claimed

  execute(caller.connection, "BEGIN IMMEDIATE");
  execute(caller.connection, "INSERT INTO ledger VALUES (1)");
  CHECK(caller.store.save_if(guard_of(pending()), completed(pending())));
  execute(caller.connection, "COMMIT");
  CHECK(caller.committed_statuses() == "1");
  CHECK(caller.committed_entries() == "1");
}

TEST_CASE("SQLite, borrowed: within savepoints") {
  Caller caller;
  execute(caller.connection, "SAVEPOINT outer_one");
  CHECK(caller.store.claim_pending(pending("kept")).claimed_new());
  execute(caller.connection, "SAVEPOINT inner_one");
  CHECK(caller.store.claim_pending(pending("undone")).claimed_new());
  CHECK(caller.store.save_if(guard_of(pending("kept")), completed(pending("kept"))));
  execute(caller.connection, "ROLLBACK TO inner_one");
  CHECK(!caller.store.find(sample_key("undone")));
  CHECK(caller.store.find(sample_key("kept")) == pending("kept"));
  execute(caller.connection, "RELEASE outer_one");
  CHECK(!caller.in_transaction());
  CHECK(caller.committed_statuses() == "0");
}

TEST_CASE("SQLite, borrowed: a transaction that has read before others wrote is contended") {
  Caller caller;
  execute(caller.connection, "BEGIN");
  CHECK(ask(caller.connection, "SELECT count(*) FROM ledger") == "0");
  execute(caller.other, "INSERT INTO ledger VALUES (2)");
  const auto error = said([&] { (void)caller.store.claim_pending(pending()); });
  REQUIRE(error);
  CHECK(error->code == StoreErrc::contended);
  CHECK(error->native_code == "SQLITE_BUSY_SNAPSHOT");
  execute(caller.connection, "ROLLBACK");
  CHECK(caller.store.claim_pending(pending()).claimed_new());
}

TEST_CASE("SQLite, borrowed: waiting is up to the caller's busy timeout") {
  Caller caller;
  sqlite3_busy_timeout(caller.connection.get(), 0);
  execute(caller.other, "BEGIN IMMEDIATE");
  CHECK(store_error([&] { (void)caller.store.claim_pending(pending()); }) == StoreErrc::contended);
  CHECK(!caller.in_transaction());
  execute(caller.other, "ROLLBACK");
  CHECK(caller.store.claim_pending(pending()).claimed_new());
}

TEST_CASE("SQLite, borrowed: outside of WAL, a commit that readers keep from happening is undone") {
  const Scratch scratch;
  const Connection connection = open_connection(scratch.file());
  execute(connection, "PRAGMA journal_mode = DELETE");
  sqlite3_busy_timeout(connection.get(), 0);
  SqliteIdempotencyStore store(connection.get());
  store.ensure_schema();
  sqlite3* opened = nullptr;
  REQUIRE(sqlite3_open(scratch.file().c_str(), &opened) == SQLITE_OK);
  const Connection reader(opened);
  execute(reader, "BEGIN");
  CHECK(ask(reader, "SELECT count(*) FROM nexus_idempotency") == "0");
  const auto error = said([&] { (void)store.claim_pending(pending()); });
  REQUIRE(error);
  CHECK(error->code == StoreErrc::contended);
  CHECK(sqlite3_get_autocommit(connection.get()) != 0);
  execute(reader, "COMMIT");
  CHECK(!store.find(pending().key));
  CHECK(store.claim_pending(pending()).claimed_new());
}

TEST_CASE("SQLite, borrowed: the caller's settings stay as they are") {
  const Scratch scratch;
  const Connection connection = open_connection(scratch.file());
  execute(connection, "PRAGMA journal_mode = DELETE");
  execute(connection, "PRAGMA synchronous = OFF");
  const auto settings = [&] {
    std::string all;
    for (const char* name : {"journal_mode", "synchronous", "busy_timeout", "trusted_schema",
                             "cache_size", "mmap_size", "foreign_keys", "wal_autocheckpoint"}) {
      all += ask(connection, std::string("PRAGMA ") + name) + " ";
    }
    return all;
  };
  const std::string before = settings();
  SqliteIdempotencyStore store(connection.get());
  store.ensure_schema();
  CHECK(store.claim_pending(pending()).claimed_new());
  CHECK(store.save_if(guard_of(pending()), completed(pending())));
  CHECK(store.purge_expired(base, 10) == 0);
  CHECK(settings() == before);
}

TEST_CASE("SQLite, borrowed: the connection can be closed when the store is gone") {
  const Scratch scratch;
  Connection connection = open_connection(scratch.file());
  {
    SqliteIdempotencyStore store(connection.get());
    store.ensure_schema();
    (void)store.claim_pending(pending());
  }
  CHECK(sqlite3_close(connection.release()) == SQLITE_OK);  // no statement is left
}

TEST_CASE("SQLite, borrowed: the schema is part of the caller's transaction") {
  const Scratch scratch;
  const Connection connection = open_connection(scratch.file());
  SqliteIdempotencyStore store(connection.get());
  execute(connection, "BEGIN IMMEDIATE");
  store.ensure_schema();
  CHECK(store.claim_pending(pending()).claimed_new());
  execute(connection, "ROLLBACK");
  CHECK(store_error([&] { (void)store.find(pending().key); }) == StoreErrc::misconfigured);
  CHECK(ask(connection, "SELECT count(*) FROM sqlite_master") == "0");
  store.ensure_schema();
  CHECK(store.claim_pending(pending()).claimed_new());
}

TEST_CASE("SQLite, borrowed: a schema that can't be made leaves nothing in the transaction") {
  const Scratch scratch;
  const Connection connection = open_connection(scratch.file());
  execute(connection, "CREATE TABLE ledger (amount INTEGER)");
  SqliteIdempotencyStore store(connection.get());
  execute(connection, "PRAGMA max_page_count = 4");  // room for some of the tables
  execute(connection, "BEGIN IMMEDIATE");
  execute(connection, "INSERT INTO ledger VALUES (1)");
  CHECK(store_error([&] { store.ensure_schema(); }) == StoreErrc::exhausted);
  CHECK(ask(connection, "SELECT count(*) FROM sqlite_master WHERE name LIKE 'nexus%'") == "0");
  if (sqlite3_get_autocommit(connection.get()) == 0) execute(connection, "ROLLBACK");
}

TEST_CASE("SQLite, borrowed: a temporary table of the same name is not taken for the store's") {
  Caller caller;
  execute(caller.connection, "CREATE TEMP TABLE nexus_idempotency (x)");
  execute(caller.connection, "CREATE TEMP TABLE nexus_idempotency_schema (x)");
  SqliteIdempotencyStore store(caller.connection.get());
  store.ensure_schema();
  CHECK(store.claim_pending(pending()).claimed_new());
  CHECK(caller.committed_statuses() == "0");
}

TEST_CASE("SQLite, borrowed: a connection that can only read: misconfigured") {
  Caller caller;
  sqlite3* opened = nullptr;
  REQUIRE(sqlite3_open_v2(caller.scratch.file().c_str(), &opened, SQLITE_OPEN_READONLY, nullptr) ==
          SQLITE_OK);
  const Connection connection(opened);
  SqliteIdempotencyStore store(opened);
  CHECK(!store.find(pending().key));
  const auto error = said([&] { (void)store.claim_pending(pending()); });
  REQUIRE(error);
  CHECK(error->code == StoreErrc::misconfigured);
  CHECK(error->native_code == "SQLITE_READONLY");
}

TEST_CASE("SQLite, borrowed: a purge in the caller's transaction is undone with it") {
  Caller caller;
  (void)caller.store.claim_pending(pending());
  execute(caller.connection, "BEGIN IMMEDIATE");
  CHECK(caller.store.purge_expired(base + std::chrono::hours(1), 1000) == 1);
  execute(caller.connection, "ROLLBACK");
  CHECK(caller.store.find(pending().key));
}

TEST_CASE("SQLite, borrowed: a call that is interrupted did nothing") {
  Caller caller;
  (void)caller.store.find(pending().key);
  sqlite3_progress_handler(
      caller.connection.get(), 1, [](void*) { return 1; }, nullptr);
  CHECK(store_error([&] { (void)caller.store.claim_pending(pending()); }) ==
        StoreErrc::unavailable);
  sqlite3_progress_handler(caller.connection.get(), 0, nullptr, nullptr);
  CHECK(!caller.in_transaction());
  CHECK(caller.store.claim_pending(pending()).claimed_new());
}
