// SPDX-License-Identifier: MIT
// The statements: their plans use an index, never a scan, whether statistics were gathered or not.
#include "sqlite/texts.hpp"

#include <sqlite3.h>

#include <cstddef>
#include <string>

#include "nexus/idempotency/sqlite/sqlite_store.hpp"
#include "support/catch.hpp"
#include "unit/sqlite/samples.hpp"
#include "unit/sqlite/scratch.hpp"

namespace {

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;
using sqlite::Query;

std::string plan(const Connection& connection, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  REQUIRE(sqlite3_prepare_v2(connection.get(), ("EXPLAIN QUERY PLAN " + sql).c_str(), -1,
                             &statement, nullptr) == SQLITE_OK);
  std::string text;
  while (sqlite3_step(statement) == SQLITE_ROW) {
    text += reinterpret_cast<const char*>(sqlite3_column_text(statement, 3));
    text += '\n';
  }
  sqlite3_finalize(statement);
  // Not every version names the schema.
  for (std::size_t at; (at = text.find("main.")) != std::string::npos;) text.erase(at, 5);
  return text;
}

}  // namespace

TEST_CASE("SQLite: plans") {
  const Scratch scratch;
  (void)ready_store(scratch, {.table = "Plans"});
  const Connection connection = open_connection(scratch.file());
  const sqlite::Texts texts("Plans");
  const std::string statistics = GENERATE("none", "true", "of one record");
  CAPTURE(statistics);
  if (statistics != "none") {
    execute(connection,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
            " INSERT INTO Plans SELECT CAST('t' AS BLOB), CAST('o' AS BLOB), CAST(i AS BLOB),"
            " i % 4, CAST('f' AS BLOB), CAST('a' AS BLOB), 1, NULL, 0, 0, i FROM n; ANALYZE");
  }
  if (statistics == "of one record") {
    // Then it takes a scan for cheaper than the index of the deadlines, if that is left to it.
    execute(connection,
            "UPDATE sqlite_stat1 SET stat = '1 1 1 1' WHERE idx LIKE 'sqlite_autoindex%';"
            " UPDATE sqlite_stat1 SET stat = '2 2' WHERE idx LIKE '%expiry';"
            " ANALYZE sqlite_master");
  }
  const std::string by_key =
      "SEARCH Plans USING INDEX sqlite_autoindex_Plans_1"
      " (tenant=? AND operation=? AND client_key=?)\n";
  CHECK(plan(connection, texts[Query::select]) == by_key);
  CHECK(plan(connection, texts[Query::update]) == by_key);
  CHECK(plan(connection, texts[Query::insert]).empty());

  CHECK(plan(connection, texts[Query::purge]) ==
        "SEARCH Plans USING INDEX Plans_expiry (expires_at<?)\n"
        "SCALAR SUBQUERY 1\n"
        "SEARCH Plans USING COVERING INDEX Plans_expiry (expires_at<?)\n");
  CHECK(plan(connection, texts[Query::lapsed]) ==
        "SEARCH Plans USING COVERING INDEX Plans_expiry (expires_at<?)\n");  // and no sorting
  CHECK(plan(connection, texts[Query::remove]) ==
        "SEARCH Plans USING INTEGER PRIMARY KEY (rowid=?)\n");
}

TEST_CASE("SQLite: the default name is replaced everywhere") {
  const sqlite::Texts texts("t");
  CHECK(texts.schema().find("nexus_idempotency") == std::string::npos);
  for (std::size_t i = 0; i < sqlite::query_count; ++i) {
    CHECK(texts[static_cast<Query>(i)].find("nexus") == std::string::npos);
    CHECK(!texts[static_cast<Query>(i)].empty());
  }
}
