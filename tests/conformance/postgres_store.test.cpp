// SPDX-License-Identifier: MIT
// The store in PostgreSQL under the conformance suite: every way to set it up, over databases with
// every setting that could bear on it.
#include "nexus/idempotency/postgres/postgres_store.hpp"

#include <libpq-fe.h>

#include <string>

#include "support/catch.hpp"
#include "support/conformance.hpp"
#include "support/postgres_fixture.hpp"
#include "support/postgres_server.hpp"

namespace {

using namespace nexus::idempotency;
using test::BorrowedFixture;
using test::check_conformance;
using test::fresh_name;
using test::make_database;
using test::PooledFixture;
using test::postgres_conninfo;
using test::Sql;

// Returns: a fresh database. `clauses` as in CREATE DATABASE; its sessions begin with `setting`.
// Nothing in it has to outlive the server, so that commits need not wait for the disk.
std::string database(const std::string& clauses, const std::string& setting = "") {
  const std::string conninfo = make_database(clauses);
  Sql sql(conninfo);
  const std::string alter = "ALTER DATABASE " + sql.value("SELECT current_database()") + " SET ";
  sql.run(alter + "synchronous_commit = off");
  if (!setting.empty()) sql.run(alter + setting);
  return conninfo;
}

// In all three kinds.
void check_kinds(const std::string& conninfo) {
  SECTION("prepared") {
    PooledFixture fixture(conninfo);
    check_conformance(fixture);
  }
  SECTION("unprepared") {
    PooledFixture fixture(conninfo, {.prepare = false});
    check_conformance(fixture);
  }
  SECTION("on the caller's connections") {
    BorrowedFixture fixture(conninfo);
    check_conformance(fixture);
  }
}

}  // namespace

TEST_CASE("the PostgreSQL store conforms") {
  check_kinds(postgres_conninfo());
}

TEST_CASE("the PostgreSQL store conforms with a single connection, in another schema") {
  const std::string schema = fresh_name("s");
  Sql().run("CREATE SCHEMA " + schema);
  PooledFixture fixture(postgres_conninfo(), {.pool_size = 1}, schema + ".");
  check_conformance(fixture);
}

TEST_CASE("the PostgreSQL store conforms in another time zone") {
  check_kinds(database("", "TimeZone = 'Asia/Kuala_Lumpur'"));
}

TEST_CASE("the PostgreSQL store conforms where transactions are REPEATABLE READ by default") {
  check_kinds(database("", "default_transaction_isolation = 'repeatable read'"));
}

TEST_CASE("the PostgreSQL store conforms where transactions are SERIALIZABLE by default") {
  check_kinds(database("", "default_transaction_isolation = 'serializable'"));
}

// PostgreSQL takes no collation for a database in which different bytes are equal; the nearest
// is one by ICU, from PostgreSQL 15 on, whose order ignores case at first. The encoding is another
// one, too: bytes are no text to it.
TEST_CASE("the PostgreSQL store conforms in a database with a collation that plays down case") {
  if (PQserverVersion(Sql().get()) < 150000) {
    WARN("not tested with this server, which has none");
    return;
  }
  check_kinds(database("LOCALE_PROVIDER icu ICU_LOCALE 'und-u-ks-level1' LOCALE 'C.UTF-8'"));
}

TEST_CASE("the PostgreSQL store conforms in a database that is not in UTF-8") {
  check_kinds(database("ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"));
}
