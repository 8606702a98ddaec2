// SPDX-License-Identifier: MIT
// Every line of the table of errors in postgres_store.hpp, provoked in a real server.
#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/postgres/postgres_store.hpp"
#include "support/catch.hpp"
#include "unit/postgres/table.hpp"

namespace {

using namespace nexus::idempotency;
using namespace std::chrono_literals;
using test::caught;
using test::completed;
using test::fresh_name;
using test::guard_of;
using test::key;
using test::pending;
using test::postgres_conninfo;
using test::Sql;
using test::Table;

// Effects: makes every insertion fail: the first `times` of them.
void fail_insertions(Table& table, const std::string& sqlstate, int times) {
  const std::string name = table.name();
  // A sequence counts on when a transaction is rolled back.
  table.sql.run("CREATE SEQUENCE " + name + "_count; CREATE FUNCTION " + name +
                "_fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('" + name +
                "_count') <= " + std::to_string(times) + " THEN RAISE SQLSTATE '" + sqlstate +
                "' USING MESSAGE = 'secret ' || encode(NEW.attempt_token, 'escape'); END IF; "
                "RETURN NEW; END $$;" +
                "CREATE TRIGGER fail BEFORE INSERT ON " + name + " FOR EACH ROW EXECUTE FUNCTION " +
                name + "_fail()");
}

std::string insertions(Table& table) {
  return table.sql.value("SELECT last_value FROM " + table.name() + "_count");
}

}  // namespace

TEST_CASE("a lock that another transaction holds for too long: contended") {
  for (const bool prepare : {true, false}) {
    // Without settings of its own the role's count.
    Table table({.lock_timeout = 50ms, .prepare = prepare},
                postgres_conninfo() + (prepare ? "" : " options='-c lock_timeout=50'"));
    REQUIRE(table.store->claim_pending(pending()).claimed_new());
    table.sql.run("BEGIN; SELECT * FROM " + table.name() + " FOR UPDATE");
    const StoreError error =
        caught([&] { (void)table.store->save_if(guard_of(pending()), completed(pending())); });
    CHECK(error.code() == StoreErrc::contended);
    CHECK(error.native_code() == "55P03");
    CHECK(error.is_transient());
    table.sql.run("ROLLBACK");
    CHECK(table.store->find(key())->status == RecordStatus::pending);
    CHECK(table.store->save_if(guard_of(pending()), completed(pending())));
  }
}

TEST_CASE("a statement that takes too long: contended") {
  Table table({.statement_timeout = 50ms, .lock_timeout = 1min});
  REQUIRE(table.store->claim_pending(pending()).claimed_new());
  table.sql.run("BEGIN; SELECT * FROM " + table.name() + " FOR UPDATE");
  const StoreError error =
      caught([&] { (void)table.store->save_if(guard_of(pending()), completed(pending())); });
  CHECK(error.code() == StoreErrc::contended);
  CHECK(error.native_code() == "57014");
}

TEST_CASE("serialization failures and deadlocks are tried again, and told when they come back") {
  for (const std::string sqlstate : {"40001", "40P01"}) {
    Table passing;
    fail_insertions(passing, sqlstate, 3);
    CHECK(passing.store->claim_pending(pending()).claimed_new());
    CHECK(insertions(passing) == "4");

    Table lasting;
    fail_insertions(lasting, sqlstate, 1000);
    const StoreError error = caught([&] { (void)lasting.store->claim_pending(pending()); });
    CHECK(error.code() == StoreErrc::contended);
    CHECK(error.native_code() == sqlstate);
    CHECK(insertions(lasting) == "4");
  }
}

TEST_CASE("what the server says is mapped by its SQLSTATE, and its message kept out") {
  const auto [sqlstate, code] = GENERATE(table<std::string, StoreErrc>({
      {"53100", StoreErrc::exhausted},
      {"53200", StoreErrc::exhausted},
      {"53400", StoreErrc::exhausted},
      {"57P03", StoreErrc::unavailable},
      {"58030", StoreErrc::unavailable},
      {"08006", StoreErrc::unavailable},
      {"XX000", StoreErrc::corrupt},
      {"XX001", StoreErrc::corrupt},
      {"XX002", StoreErrc::corrupt},
      {"42501", StoreErrc::misconfigured},
      {"P0001", StoreErrc::misconfigured},
      {"23514", StoreErrc::misconfigured},
  }));
  Table table;
  fail_insertions(table, sqlstate, 1);
  const StoreError error = caught([&] { (void)table.store->claim_pending(pending()); });
  CHECK(error.code() == code);
  CHECK(error.native_code() == sqlstate);
  CHECK(std::string(error.what()).find("secret") == std::string::npos);
  CHECK(table.store->claim_pending(pending()).claimed_new());  // the store goes on
}

TEST_CASE("a session that only reads: unavailable, and the next call has another one") {
  Table table({}, postgres_conninfo() + " options='-c default_transaction_read_only=off'");
  const std::string conninfo = postgres_conninfo() +
                               " options='-c default_transaction_read_only=on'" +
                               " application_name=" + table.application;
  PostgresIdempotencyStore store(conninfo, table.options);
  CHECK_FALSE(store.find(key()));
  const std::string before = table.backend();
  const StoreError error = caught([&] { (void)store.claim_pending(pending()); });
  CHECK(error.code() == StoreErrc::unavailable);
  CHECK(error.native_code() == "25006");
  CHECK_FALSE(store.find(key()));
  CHECK(table.backend() != before);
}

TEST_CASE("a row that can't be a record: corrupt") {
  Table table;
  REQUIRE(table.store->claim_pending(pending()).claimed_new());
  const std::string change = GENERATE("status = 4", "status = -1", "fence = -1", "fingerprint = ''",
                                      "attempt_token = '\\xff'", "attempt_token = ' x'",
                                      "result = convert_to(repeat('x', 65537), 'UTF8')");
  INFO(change);
  table.sql.run("UPDATE " + table.name() + " SET " + change);
  CHECK(caught([&] { (void)table.store->find(key()); }).code() == StoreErrc::corrupt);
  CHECK(caught([&] { (void)table.store->claim_pending(pending()); }).code() == StoreErrc::corrupt);
}

TEST_CASE("columns that were changed: corrupt or misconfigured, never misread") {
  Table table;
  REQUIRE(table.store->claim_pending(pending()).claimed_new());
  const std::string change =
      GENERATE("ALTER COLUMN fence TYPE integer", "ALTER COLUMN created_at DROP NOT NULL",
               "DROP COLUMN result");
  INFO(change);
  table.sql.run("ALTER TABLE " + table.name() + " " + change);
  if (change.find("created_at") != std::string::npos) {
    table.sql.run("UPDATE " + table.name() + " SET created_at = NULL");
  }
  const StoreErrc code = caught([&] { (void)table.store->find(key()); }).code();
  CHECK((code == StoreErrc::corrupt || code == StoreErrc::misconfigured));
}

TEST_CASE("a table of another version: misconfigured, in every kind") {
  Table table;
  table.sql.run("UPDATE " + table.name() + "_schema SET version = 2");
  const auto check = [](PostgresIdempotencyStore& store) {
    CHECK(caught([&] { (void)store.find(key()); }).code() == StoreErrc::misconfigured);
    CHECK(caught([&] { (void)store.claim_pending(pending()); }).code() == StoreErrc::misconfigured);
    CHECK(caught([&] { store.purge_expired(test::start, 1); }).code() == StoreErrc::misconfigured);
    CHECK(caught([&] { store.ensure_schema(); }).code() == StoreErrc::misconfigured);
  };
  check(*table.store);
  PostgresIdempotencyStore unprepared(table.conninfo, {.table = table.name(), .prepare = false});
  check(unprepared);
  PostgresIdempotencyStore borrowed(table.sql.get(), table.name());
  check(borrowed);
  CHECK(table.sql.value("SELECT count(*) FROM " + table.name()) == "0");
  table.sql.run("UPDATE " + table.name() + "_schema SET version = 1");
  CHECK(table.store->claim_pending(pending()).claimed_new());
  CHECK_FALSE(unprepared.claim_pending(pending()).claimed_new());
}

TEST_CASE("a role without permission: misconfigured; what schema.sql grants is enough") {
  Table table;
  const std::string role = fresh_name("role");
  table.sql.run("CREATE ROLE " + role + " LOGIN");
  PostgresIdempotencyStore store(postgres_conninfo() + " user=" + role, table.options);
  const StoreError error = caught([&] { (void)store.claim_pending(pending()); });
  CHECK(error.code() == StoreErrc::misconfigured);
  CHECK(error.native_code() == "42501");
  CHECK(caught([&] { store.ensure_schema(); }).code() == StoreErrc::misconfigured);

  table.sql.run("GRANT SELECT ON " + table.name() + "_schema TO " + role +
                ";GRANT SELECT, INSERT, UPDATE, DELETE ON " + table.name() + " TO " + role);
  store.ensure_schema();  // all is there, so it needs no right to create
  CHECK(store.claim_pending(pending()).claimed_new());
  CHECK(store.save_if(guard_of(pending()), completed(pending())));
  CHECK(store.find(key()) == completed(pending()));
  CHECK(store.purge_expired(Timestamp::max(), 10) == 1);
}

TEST_CASE("a database or a role that isn't there: misconfigured") {
  for (const std::string& wrong :
       {" dbname=" + fresh_name("absent"), " user=" + fresh_name("absent")}) {
    PostgresIdempotencyStore store(postgres_conninfo() + wrong);
    const StoreError error = caught([&] { (void)store.find(key()); });
    CHECK(error.code() == StoreErrc::misconfigured);
    CHECK_FALSE(error.native_code().empty());
  }
}

TEST_CASE("a wrong password, or none: misconfigured, and no error says it") {
  Table table;
  const std::string role = fresh_name("role");
  table.sql.run("SET password_encryption = 'scram-sha-256'");  // the default from 14 on
  table.sql.run("CREATE ROLE " + role + " LOGIN PASSWORD 'right-secret'");
  // The server is the test's own: its rules may be changed.
  table.sql.run(
      "DO $$ DECLARE file text := current_setting('hba_file'); rules text := pg_read_file(file);"
      " BEGIN EXECUTE format('COPY (SELECT unnest(string_to_array(%L, chr(10)))) TO %L',"
      " 'local all " +
      role + " scram-sha-256' || chr(10) || rules, file); END $$");
  table.sql.run("SELECT pg_reload_conf()");
  const std::string without = postgres_conninfo() + " user=" + role + " passfile=/nonexistent";
  // The change takes effect a moment later.
  while (PQconnectionNeedsPassword(
             std::unique_ptr<PGconn, decltype(&PQfinish)>(PQconnectdb(without.c_str()), &PQfinish)
                 .get()) == 0) {
    std::this_thread::sleep_for(1ms);
  }
  for (const std::string& conninfo : {without, without + " password=wrong-secret"}) {
    PostgresIdempotencyStore store(conninfo, table.options);
    const StoreError error = caught([&] { (void)store.find(key()); });
    CHECK(error.code() == StoreErrc::misconfigured);
    CHECK(std::string(error.what()).find("secret") == std::string::npos);
  }
  PostgresIdempotencyStore store(without + " password=right-secret", table.options);
  CHECK(caught([&] { (void)store.find(key()); }).native_code() == "42501");
}

TEST_CASE("too many connections: exhausted") {
  Table table;
  const std::string role = fresh_name("role");
  table.sql.run("CREATE ROLE " + role + " LOGIN CONNECTION LIMIT 0");
  PostgresIdempotencyStore store(postgres_conninfo() + " user=" + role, table.options);
  const StoreError error = caught([&] { (void)store.find(key()); });
  CHECK(error.code() == StoreErrc::exhausted);
  CHECK(error.native_code() == "53300");
}
