// SPDX-License-Identifier: MIT
// ensure_schema: several at once, and when everything is there.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/postgres/postgres_store.hpp"
#include "support/catch.hpp"
#include "support/schema_file.hpp"
#include "unit/postgres/table.hpp"

namespace {

using namespace nexus::idempotency;
using namespace std::chrono_literals;
using test::caught;
using test::fresh_name;
using test::key;
using test::pending;
using test::postgres_conninfo;
using test::Sql;
using test::Table;

}  // namespace

TEST_CASE("ensure_schema by many processes at once") {
  const std::string name = fresh_name();
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = fork();  // before this process has a store
    if (child == 0) {
      int status = 1;
      try {
        PostgresIdempotencyStore store(postgres_conninfo(), {.table = name, .lock_timeout = 1min});
        store.ensure_schema();
        status = store.find(key()) ? 1 : 0;
      } catch (const std::exception&) {
        status = 2;
      }
      _exit(status);
    }
    REQUIRE(child > 0);
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  }
  CHECK(Sql().value("SELECT count(*) FROM " + name + "_schema") == "1");
}

TEST_CASE("ensure_schema by many threads of one store") {
  PostgresIdempotencyStore store(postgres_conninfo(),
                                 {.table = fresh_name(), .lock_timeout = 1min});
  std::vector<std::thread> threads;
  std::vector<std::string> errors(8);
  for (auto& error : errors) {
    threads.emplace_back([&] {
      try {
        store.ensure_schema();
      } catch (const StoreError& thrown) {
        error = std::string(thrown.what()) + " " + std::string(thrown.native_code());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const std::string& error : errors) CHECK(error == "");
  CHECK(store.claim_pending(pending()).claimed_new());
}

TEST_CASE("ensure_schema locks and changes nothing when everything is there") {
  Table table;
  Sql other;
  // A claim, uncommitted, would be in the way of a change of the table, and this of another
  // ensure_schema.
  other.run("BEGIN; LOCK TABLE " + table.name() + " IN ROW EXCLUSIVE MODE");
  const std::string before = other.value(
      "SELECT string_agg(oid::text || xmin::text, ' ' ORDER BY oid) FROM pg_class "
      "WHERE relname LIKE '" +
      table.name() + "%'");
  table.sql.run("BEGIN");
  table.sql.run("SET LOCAL lock_timeout = 100");
  PostgresIdempotencyStore borrowed(table.sql.get(), table.name());
  borrowed.ensure_schema();
  CHECK(table.sql.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0");
  table.sql.run("COMMIT");
  CHECK(other.value("SELECT string_agg(oid::text || xmin::text, ' ' ORDER BY oid) FROM pg_class "
                    "WHERE relname LIKE '" +
                    table.name() + "%'") == before);
}

TEST_CASE("ensure_schema that waits too long for another: contended, and nothing half made") {
  const std::string name = fresh_name();
  Sql other;
  other.run("BEGIN");
  PostgresIdempotencyStore first(other.get(), name);
  first.ensure_schema();  // in a transaction that stays open
  PostgresIdempotencyStore second(postgres_conninfo(), {.table = name, .lock_timeout = 50ms});
  CHECK(caught([&] { second.ensure_schema(); }).code() == StoreErrc::contended);
  other.run("ROLLBACK");
  CHECK(caught([&] { (void)second.find(key()); }).code() == StoreErrc::misconfigured);
  second.ensure_schema();
  CHECK_FALSE(second.find(key()));
}

TEST_CASE("ensure_schema beside something else of the same name: misconfigured, and nothing made") {
  const std::string name = fresh_name();
  Sql sql;
  sql.run("CREATE TABLE " + name + " (id integer)");
  PostgresIdempotencyStore store(postgres_conninfo(), {.table = name});
  CHECK(caught([&] { store.ensure_schema(); }).native_code() == "42P07");
  CHECK(sql.value("SELECT count(*) FROM pg_proc WHERE proname LIKE '" + name + "%'") == "0");
  PostgresIdempotencyStore absent(postgres_conninfo(), {.table = "absent." + name});
  const StoreError error = caught([&] { absent.ensure_schema(); });
  CHECK(error.code() == StoreErrc::misconfigured);
  CHECK(error.native_code() == "3F000");
}

TEST_CASE("the same table name in two schemas is two tables") {
  const std::string schema = fresh_name("s");
  Table table;
  table.sql.run("CREATE SCHEMA " + schema);
  Table other({.table = schema + "." + table.name()});
  CHECK(table.store->claim_pending(pending()).claimed_new());
  CHECK(other.store->claim_pending(pending()).claimed_new());
}

TEST_CASE("a schema file run by hand, for its own name and for another: all is found") {
  for (const std::string file : {"schema.sql", "schema_partitioned.sql"}) {
    for (const std::string name : {"nexus_idempotency", "app.commands"}) {
      CAPTURE(file, name);
      const std::string conninfo = test::make_database();
      Sql sql(conninfo);
      sql.run("CREATE SCHEMA app");
      sql.run(test::schema_for(file, name));  // one transaction

      PostgresIdempotencyStore store(conninfo, {.table = name});
      CHECK(store.claim_pending(pending()).claimed_new());
      const IdempotencyRecord done = test::completed(pending());
      CHECK(store.save_if(test::guard_of(pending()), done));
      CHECK(store.find(key()) == done);
      CHECK(store.purge_expired(Timestamp::max(), 10) == 1);
      CHECK_NOTHROW(store.ensure_schema());
    }
  }
}
