// SPDX-License-Identifier: MIT
// The store on a caller's connection, in the caller's transactions.
#include <libpq-fe.h>

#include <chrono>
#include <future>
#include <string>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/postgres/postgres_store.hpp"
#include "support/catch.hpp"
#include "unit/postgres/table.hpp"

namespace {

using namespace nexus::idempotency;
using namespace std::chrono_literals;
using test::caught;
using test::completed;
using test::guard_of;
using test::key;
using test::pending;
using test::postgres_conninfo;
using test::Sql;
using test::Table;

// A table, and two connections with a store on each.
struct Borrowed {
  Table table{{.lock_timeout = 1min}};
  Sql a{postgres_conninfo()};
  Sql b{postgres_conninfo() + " application_name=" + table.application};
  PostgresIdempotencyStore on_a{a.get(), table.name()};
  PostgresIdempotencyStore on_b{b.get(), table.name()};
};

}  // namespace

TEST_CASE("what is committed stays, what is rolled back never was") {
  Borrowed world;
  world.a.run("BEGIN");
  CHECK(world.on_a.claim_pending(pending()).claimed_new());
  CHECK(world.on_a.save_if(guard_of(pending()), completed(pending())));
  CHECK(world.on_a.find(key()) == completed(pending()));
  CHECK_FALSE(world.table.store->find(key()));
  world.a.run("ROLLBACK");
  CHECK_FALSE(world.on_a.find(key()));

  world.a.run("BEGIN");
  CHECK(world.on_a.claim_pending(pending()).claimed_new());
  world.a.run("COMMIT");
  CHECK(world.table.store->find(key()) == pending());
  world.a.run("BEGIN");
  CHECK(world.on_a.purge_expired(Timestamp::max(), 10) == 1);
  world.a.run("ROLLBACK");
  CHECK(world.table.store->find(key()) == pending());
}

TEST_CASE("outside of a transaction each call is one of its own") {
  Borrowed world;
  CHECK(world.on_a.claim_pending(pending()).claimed_new());
  CHECK(PQtransactionStatus(world.a.get()) == PQTRANS_IDLE);
  CHECK(world.table.store->find(key()) == pending());
}

TEST_CASE("a concurrent claim waits for the transaction, and sees what it committed") {
  Borrowed world;
  world.a.run("BEGIN");
  REQUIRE(world.on_a.claim_pending(pending()).claimed_new());
  REQUIRE(world.on_a.save_if(guard_of(pending()), completed(pending())));
  auto other = std::async(std::launch::async, [&] {
    return world.table.store->claim_pending(pending("key-1", "token-2")).existing;
  });
  world.table.wait_until_blocked();
  world.a.run("COMMIT");
  CHECK(other.get() == completed(pending()));
}

TEST_CASE("a concurrent claim waits for the transaction, and gets the key if it is rolled back") {
  Borrowed world;
  world.a.run("BEGIN");
  REQUIRE(world.on_a.claim_pending(pending()).claimed_new());
  auto other = std::async(std::launch::async, [&] {
    return world.table.store->claim_pending(pending("key-1", "token-2")).claimed_new();
  });
  world.table.wait_until_blocked();
  world.a.run("ROLLBACK");
  CHECK(other.get());
  CHECK(world.table.store->find(key()) == pending("key-1", "token-2"));
}

TEST_CASE("an aborted transaction: contended at once") {
  Borrowed world;
  world.a.run("BEGIN");
  CHECK(world.a.try_run("SELECT 1/0") == "22012");
  CHECK(caught([&] { (void)world.on_a.claim_pending(pending()); }).code() == StoreErrc::contended);
  CHECK(caught([&] { (void)world.on_a.find(key()); }).code() == StoreErrc::contended);
  world.a.run("ROLLBACK");
  CHECK(world.on_a.claim_pending(pending()).claimed_new());
}

TEST_CASE("a transaction that isn't READ COMMITTED: misconfigured at every call, and not aborted") {
  Borrowed world;
  REQUIRE(world.on_a.claim_pending(pending()).claimed_new());
  const std::string level = GENERATE("REPEATABLE READ", "SERIALIZABLE");
  world.a.run("BEGIN ISOLATION LEVEL " + level);
  const auto code = [](auto call) { return caught(call).code(); };
  CHECK(code([&] { (void)world.on_a.find(key()); }) == StoreErrc::misconfigured);
  CHECK(code([&] { (void)world.on_a.claim_pending(pending("key-2")); }) ==
        StoreErrc::misconfigured);
  CHECK(code([&] { (void)world.on_a.save_if(guard_of(pending()), completed(pending())); }) ==
        StoreErrc::misconfigured);
  CHECK(code([&] { world.on_a.purge_expired(Timestamp::max(), 10); }) == StoreErrc::misconfigured);
  CHECK(PQtransactionStatus(world.a.get()) == PQTRANS_INTRANS);
  world.a.run("COMMIT");
  CHECK(world.on_a.find(key()) == pending());
  CHECK_FALSE(world.on_a.find(key("key-2")));
}

TEST_CASE(
    "ensure_schema in a transaction that isn't READ COMMITTED, with something to make: "
    "misconfigured") {
  Sql sql;
  PostgresIdempotencyStore store(sql.get(), test::fresh_name());
  sql.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
  CHECK(caught([&] { store.ensure_schema(); }).code() == StoreErrc::misconfigured);
  sql.run("ROLLBACK");
  sql.run("SET default_transaction_isolation = 'serializable'");
  store.ensure_schema();  // begins its own
  CHECK(store.claim_pending(pending()).claimed_new());
}

TEST_CASE("ensure_schema in a transaction is part of it") {
  Sql sql;
  PostgresIdempotencyStore store(sql.get(), test::fresh_name());
  sql.run("BEGIN");
  store.ensure_schema();
  CHECK(store.claim_pending(pending()).claimed_new());
  sql.run("ROLLBACK");
  CHECK(caught([&] { (void)store.find(key()); }).code() == StoreErrc::misconfigured);
}

TEST_CASE("outside of a transaction the session's default isolation does not matter") {
  Borrowed world;
  world.a.run("SET default_transaction_isolation = 'repeatable read'");
  // A row that is being changed by another transaction is where REPEATABLE READ would fail.
  REQUIRE(world.on_a.claim_pending(pending()).claimed_new());
  world.b.run("SET default_transaction_isolation = 'serializable'");
  world.a.run("BEGIN ISOLATION LEVEL READ COMMITTED");
  REQUIRE(world.on_a.save_if(guard_of(pending()), completed(pending())));
  auto other = std::async(std::launch::async, [&] {
    return world.on_b.save_if(guard_of(pending()), completed(pending()));
  });
  world.table.wait_until_blocked();
  world.a.run("COMMIT");
  CHECK_FALSE(other.get());
  CHECK(PQtransactionStatus(world.b.get()) == PQTRANS_IDLE);
}

TEST_CASE("two transactions that wait for each other: one is contended, the other goes on") {
  Borrowed world;
  world.a.run("SET deadlock_timeout = 50; BEGIN");
  world.b.run("SET deadlock_timeout = '1min'; BEGIN");
  REQUIRE(world.on_a.claim_pending(pending("key-1")).claimed_new());
  REQUIRE(world.on_b.claim_pending(pending("key-2")).claimed_new());
  auto waiting = std::async(
      std::launch::async, [&] { return world.on_b.claim_pending(pending("key-1")).claimed_new(); });
  world.table.wait_until_blocked();
  const StoreError error = caught([&] { (void)world.on_a.claim_pending(pending("key-2")); });
  CHECK(error.code() == StoreErrc::contended);
  CHECK(error.native_code() == "40P01");
  world.a.run("ROLLBACK");
  CHECK(waiting.get());
  world.b.run("COMMIT");
  CHECK(world.table.store->find(key("key-1")));
}

TEST_CASE("the session's own lock timeout counts") {
  Borrowed world;
  world.b.run("SET lock_timeout = 50");
  world.a.run("BEGIN");
  REQUIRE(world.on_a.claim_pending(pending()).claimed_new());
  const StoreError error = caught([&] { (void)world.on_b.claim_pending(pending()); });
  CHECK(error.code() == StoreErrc::contended);
  CHECK(error.native_code() == "55P03");
}

TEST_CASE(
    "a connection that is lost: in doubt outside of a transaction, unavailable in one and ever "
    "after") {
  for (const bool in_transaction : {true, false}) {
    Borrowed world;
    if (in_transaction) world.b.run("BEGIN");
    test::end_sessions(world.a, {world.b.pid()});
    CHECK(caught([&] { (void)world.on_b.claim_pending(pending()); }).code() ==
          (in_transaction ? StoreErrc::unavailable : StoreErrc::in_doubt));
    CHECK(caught([&] { (void)world.on_b.claim_pending(pending()); }).code() ==
          StoreErrc::unavailable);
    CHECK(caught([&] { world.on_b.ensure_schema(); }).code() == StoreErrc::unavailable);
    CHECK_FALSE(world.table.store->find(key()));
  }
}

TEST_CASE("a connection that is busy, not blocking or in a pipeline: misconfigured") {
  Borrowed world;
  const auto code = [&] { return caught([&] { (void)world.on_a.find(key()); }).code(); };
  REQUIRE(PQsetnonblocking(world.a.get(), 1) == 0);
  CHECK(code() == StoreErrc::misconfigured);
  REQUIRE(PQsetnonblocking(world.a.get(), 0) == 0);
  REQUIRE(PQenterPipelineMode(world.a.get()) == 1);
  CHECK(code() == StoreErrc::misconfigured);
  REQUIRE(PQexitPipelineMode(world.a.get()) == 1);
  REQUIRE(PQsendQuery(world.a.get(), "SELECT 1") == 1);
  CHECK(code() == StoreErrc::misconfigured);
  while (PGresult* result = PQgetResult(world.a.get())) PQclear(result);
  CHECK_FALSE(world.on_a.find(key()));
}
