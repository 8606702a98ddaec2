// SPDX-License-Identifier: MIT
// A command's rows and its record in one transaction of the caller's, on PostgreSQL.
#include <string>

#include "engines/co_commit_cases.hpp"
#include "engines/fault.hpp"
#include "engines/fault_proxy.hpp"
#include "engines/postgres_faults.hpp"
#include "engines/postgres_ledger.hpp"
#include "support/store_error.hpp"

namespace nexus::idempotency::test {
namespace {

const std::string program = NEXUS_IDEMPOTENCY_LEDGER_WORKER;

TEST_CASE("PostgreSQL: killed between any two messages, ledger and record agree") {
  die_at_every_step<PostgresLedger>(program, Pattern::one_transaction, 12);
  die_at_every_step<PostgresLedger>(program, Pattern::claim_first, 20);
}

TEST_CASE("PostgreSQL: killed at any moment, ledger and record agree") {
  die_at_random<PostgresLedger>(program, 150);
}

TEST_CASE("PostgreSQL: of two transactions with one key, the second waits and is replayed") {
  second_waits_and_is_replayed<PostgresLedger>(Pattern::one_transaction);
  second_waits_and_is_replayed<PostgresLedger>(Pattern::claim_first);
}

TEST_CASE("PostgreSQL: of two transactions with one key, the second gets it after a rollback") {
  second_waits_and_gets_the_key<PostgresLedger>(Pattern::one_transaction);
  second_waits_and_gets_the_key<PostgresLedger>(Pattern::claim_first);
}

TEST_CASE("PostgreSQL: a transaction that is rolled back leaves the key as it was") {
  rolled_back_leaves_the_key_free<PostgresLedger>(Pattern::one_transaction);
  rolled_back_leaves_the_key_free<PostgresLedger>(Pattern::claim_first);
}

TEST_CASE("PostgreSQL: a superseded owner leaves no row") {
  superseded_owner_leaves_no_row<PostgresLedger>(false);
  superseded_owner_leaves_no_row<PostgresLedger>(true);
}

TEST_CASE("PostgreSQL: many transactions at once execute each command once") {
  many_at_once<PostgresLedger>();
}

TEST_CASE("PostgreSQL: who waits longer than his lock_timeout is told, and nothing has happened") {
  Desk<PostgresLedger> desk;
  desk.other.run("SET lock_timeout = 50");
  Transaction transaction(desk.one);
  desk.execute(desk.begin());
  CHECK(store_error([&] { (void)desk.run(desk.other); }) == StoreErrc::contended);
  transaction.commit();
  CHECK(desk.run(desk.other) == "replayed row 1");
  CHECK(desk.one.contradictions() == agreement);
}

TEST_CASE("PostgreSQL: an error of the caller's own within the transaction") {
  Desk<PostgresLedger> desk;
  SECTION("aborts it: the store says so, and all of it is rolled back") {
    Transaction transaction(desk.one);
    const Attempt attempt = desk.begin();
    CHECK_THROWS(desk.one.run("SELECT 1 / 0"));
    CHECK(store_error([&] { record_row(*desk.outcomes, attempt, "row 1"); }) ==
          StoreErrc::contended);
    CHECK_THROWS(transaction.commit());
  }
  SECTION("is undone to a savepoint: claim and row are gone, the transaction goes on") {
    Transaction transaction(desk.one);
    desk.one.run("SAVEPOINT before");
    desk.execute(desk.begin());
    CHECK_THROWS(desk.one.run("SELECT 1 / 0"));
    desk.one.run("ROLLBACK TO before");
    CHECK_FALSE(desk.one.outcomes().find(ledger_key("1")));
    transaction.commit();
  }
  CHECK(desk.one.rows("1") == 0);
  CHECK(desk.run(desk.other).starts_with("executed"));
  CHECK(desk.one.contradictions() == agreement);
}

// A fault at each request of the transaction, and of the claim before it.
void break_at_every_request(Pattern pattern) {
  Desk<PostgresLedger> desk;
  const std::string server = desk.place.target();
  FaultProxy proxy(postgres_socket(server), postgres_protocol());
  int command = 0;
  int unanswered = 0;
  for (const Fault fault : every_fault) {
    if (is_stall(fault)) continue;  // the caller's own statements would wait for ever
    for (std::size_t request = 0;; ++request) {
      const std::string name = std::to_string(++command);
      CAPTURE(pattern, to_string(fault), request);
      desk.clock.advance(1h);
      std::size_t faults = 0;
      {
        PostgresLedger broken(through(proxy, server));
        (void)broken.claims().find(ledger_key(name));  // so that both are connected
        proxy.arm({{request, fault}});
        try {
          (void)run_command(broken, desk.clock, pattern, name);
        } catch (const CompletionError&) {
          FAIL("nobody else was there");
        } catch (const StoreError& error) {
          CHECK((error.code() == StoreErrc::unavailable || error.code() == StoreErrc::in_doubt));
          ++unanswered;
        } catch (const std::runtime_error&) {
          ++unanswered;  // the caller's own statement
        }
        faults = proxy.tally().faults;
        proxy.heal();
      }
      CHECK(desk.one.contradictions() == agreement);
      proxy.release();  // until then, the claim in an unfinished transaction would be waited for
      CHECK(desk.one.contradictions() == agreement);
      desk.clock.advance(30min);  // whatever was claimed
      (void)run_command(desk.other, desk.clock, pattern, name);
      CHECK(desk.one.rows(name) == 1);
      CHECK(desk.one.contradictions() == agreement);
      if (faults == 0) break;
    }
  }
  CHECK(unanswered > 20);
  WARN(command << " transactions broken, " << unanswered << " without an answer");
}

TEST_CASE("PostgreSQL: a connection that breaks within the transaction") {
  break_at_every_request(Pattern::one_transaction);
  break_at_every_request(Pattern::claim_first);
}

}  // namespace
}  // namespace nexus::idempotency::test
