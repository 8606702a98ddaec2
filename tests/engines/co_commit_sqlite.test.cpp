// SPDX-License-Identifier: MIT
// A command's rows and its record in one transaction of the caller's, on SQLite.
#include <sqlite3.h>

#include <string>

#include "engines/co_commit_cases.hpp"
#include "engines/sqlite_ledger.hpp"
#include "support/store_error.hpp"

namespace nexus::idempotency::test {
namespace {

const std::string program = NEXUS_IDEMPOTENCY_LEDGER_WORKER;

TEST_CASE("SQLite: killed between any two statements, ledger and record agree") {
  die_at_every_step<SqliteLedger>(program, Pattern::one_transaction, 8);
  die_at_every_step<SqliteLedger>(program, Pattern::claim_first, 12);
}

TEST_CASE("SQLite: killed at any moment, ledger and record agree") {
  die_at_random<SqliteLedger>(program, 150);
}

TEST_CASE("SQLite: of two transactions with one key, the second waits and is replayed") {
  second_waits_and_is_replayed<SqliteLedger>(Pattern::one_transaction);
  second_waits_and_is_replayed<SqliteLedger>(Pattern::claim_first);
}

TEST_CASE("SQLite: of two transactions with one key, the second gets it if the first rolls back") {
  second_waits_and_gets_the_key<SqliteLedger>(Pattern::one_transaction);
  second_waits_and_gets_the_key<SqliteLedger>(Pattern::claim_first);
}

TEST_CASE("SQLite: a transaction that is rolled back leaves the key as it was") {
  rolled_back_leaves_the_key_free<SqliteLedger>(Pattern::one_transaction);
  rolled_back_leaves_the_key_free<SqliteLedger>(Pattern::claim_first);
}

TEST_CASE("SQLite: a superseded owner leaves no row") {
  superseded_owner_leaves_no_row<SqliteLedger>(false);
  superseded_owner_leaves_no_row<SqliteLedger>(true);
}

TEST_CASE("SQLite: many transactions at once execute each command once") {
  many_at_once<SqliteLedger>();
}

TEST_CASE("SQLite: who waits too long is told, and nothing has happened") {
  Desk<SqliteLedger> desk;
  desk.other.be_patient(3);
  Transaction transaction(desk.one);
  desk.execute(desk.begin());
  SECTION("by the caller's own BEGIN IMMEDIATE") {
    CHECK_THROWS_AS(desk.run(desk.other), std::runtime_error);
  }
  SECTION("by the store, outside of a transaction") {
    const auto service = make_service(desk.other.outcomes(), desk.clock);
    CHECK(store_error([&] { (void)service->begin(ledger_key("1"), ledger_fingerprint()); }) ==
          StoreErrc::contended);
  }
  transaction.commit();
  CHECK(desk.run(desk.other) == "replayed row 1");
  CHECK(desk.one.contradictions() == agreement);
}

// BEGIN alone takes no lock: the first statement of the store is a read, and what it saw may be
// out of date when it comes to write.
TEST_CASE("SQLite: a transaction that has read before another's commit is told to begin again") {
  Desk<SqliteLedger> desk;
  const auto service = make_service(desk.other.outcomes(), desk.clock);
  desk.other.run("BEGIN");
  desk.other.run("SELECT count(*) FROM ledger");
  CHECK(desk.run(desk.one) == "executed row 1");
  CHECK(store_error([&] { (void)service->begin(ledger_key("1"), ledger_fingerprint()); }) ==
        StoreErrc::contended);
  desk.other.roll_back();
  CHECK(desk.run(desk.other) == "replayed row 1");
  CHECK(desk.one.contradictions() == agreement);
}

TEST_CASE("SQLite: an error of the caller's own within the transaction") {
  Desk<SqliteLedger> desk;
  desk.one.run("CREATE TABLE once (id INTEGER PRIMARY KEY ON CONFLICT ROLLBACK)");
  desk.one.run("INSERT INTO once VALUES (1)");
  SECTION("that leaves the transaction open: the caller rolls back") {
    Transaction transaction(desk.one);
    desk.execute(desk.begin());
    CHECK_THROWS(desk.one.run("INSERT INTO ledger (command) VALUES (NULL)"));
  }
  SECTION("that is undone to a savepoint: claim and row are gone, the transaction goes on") {
    Transaction transaction(desk.one);
    desk.one.run("SAVEPOINT before");
    desk.execute(desk.begin());
    desk.one.run("ROLLBACK TO before");
    CHECK_FALSE(desk.one.outcomes().find(ledger_key("1")));
    transaction.commit();
  }
  SECTION("that makes SQLite roll back all of it") {
    Transaction transaction(desk.one);
    desk.execute(desk.begin());
    CHECK_THROWS(desk.one.run("INSERT INTO once VALUES (1)"));
    CHECK(sqlite3_get_autocommit(desk.one.connection()) != 0);
  }
  CHECK(desk.one.rows("1") == 0);
  CHECK(desk.run(desk.other) == "executed row 1");
  CHECK(desk.one.contradictions() == agreement);
}

}  // namespace
}  // namespace nexus::idempotency::test
