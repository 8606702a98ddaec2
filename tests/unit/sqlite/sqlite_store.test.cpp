// SPDX-License-Identifier: MIT
// Options, the schema, and what several objects on a file have in common.
#include "nexus/idempotency/sqlite/sqlite_store.hpp"

#include <sqlite3.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "nexus/idempotency/testing/detail/conformance_crew.hpp"
#include "support/catch.hpp"
#include "support/store_error.hpp"
#include "unit/sqlite/samples.hpp"
#include "unit/sqlite/scratch.hpp"

namespace {

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;
using namespace std::chrono_literals;

template <class Call>
bool is_invalid(Call&& call) {
  try {
    call();
  } catch (const InvalidValueError&) {
    return true;
  }
  return false;
}

// Effects: adds `count` records, numbered from 1; `deadline`: SQL, of a record's number i.
void add_records(const Connection& connection, int count, const std::string& deadline) {
  execute(connection,
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
              std::to_string(count) +
              ") INSERT INTO nexus_idempotency SELECT CAST('t' AS BLOB), CAST('o' AS BLOB),"
              " CAST(i AS BLOB), 0, CAST('f' AS BLOB), CAST('a' AS BLOB), 1, NULL, 0, 0, " +
              deadline + " FROM n");
}

}  // namespace

TEST_CASE("SQLite: options out of their range are refused") {
  const Scratch scratch;
  const auto refused = [&](SqliteStoreOptions options) {
    return is_invalid([&] { SqliteIdempotencyStore(scratch.file(), options); });
  };
  CHECK(refused({.busy_timeout = 0us}));
  CHECK(refused({.busy_timeout = -1us}));
  CHECK(refused({.max_readers = 0}));
  CHECK(!std::filesystem::exists(scratch.file()));
  CHECK_FALSE(refused({.busy_timeout = Duration::max(), .max_readers = 1}));
}

TEST_CASE("SQLite: what is no plain name of a table is refused") {
  const Scratch scratch;
  const Connection connection = open_connection(scratch.file());
  const std::vector<std::string> names{"",
                                       " ",
                                       "1st",
                                       "a b",
                                       "a-b",
                                       "main.t",
                                       "t;DROP TABLE accounts",
                                       "t\"",
                                       "\"t\"",
                                       "t'",
                                       "t--",
                                       "t)",
                                       "sqlite_t",
                                       "SQLite_t",
                                       "select",
                                       "TABLE",
                                       std::string("t\0t", 3),
                                       "tabl\xc3\xa9",
                                       std::string(49, 't')};
  for (const std::string& name : names) {
    CAPTURE(name);
    CHECK(is_invalid([&] { SqliteIdempotencyStore(scratch.file(), {.table = name}); }));
    CHECK(is_invalid([&] { SqliteIdempotencyStore(connection.get(), name); }));
  }
  for (const std::string& name : {std::string("t"), std::string("_T9"), std::string(48, 't')}) {
    CAPTURE(name);
    const auto store = ready_store(scratch, {.table = name});
    CHECK(store->claim_pending(pending()).claimed_new());
  }
}

TEST_CASE("SQLite: only the name of a file is one") {
  for (const char* name : {"", ":memory:"}) {
    CAPTURE(name);
    CHECK(store_error([&] { SqliteIdempotencyStore{std::filesystem::path(name)}; }) ==
          StoreErrc::misconfigured);
  }
}

TEST_CASE("SQLite: a name like a URI is a name") {
  const Scratch scratch;
  SqliteIdempotencyStore store(scratch.directory() / "file:x.db?mode=memory");
  store.ensure_schema();
  CHECK(std::filesystem::exists(scratch.directory() / "file:x.db?mode=memory"));
}

TEST_CASE("SQLite: the schema may be ensured again and again, and by many at once") {
  const Scratch scratch;
  constexpr std::size_t count = 8;
  std::vector<std::optional<Said>> errors(count);
  nexus::idempotency::testing::detail::run_together(count, [&](std::size_t i) {
    errors[i] = said([&] { ready_store(scratch)->ensure_schema(); });
  });
  for (const auto& error : errors) {
    INFO((error ? error->what : std::string()));
    CHECK(!error);
  }
  const auto store = ready_store(scratch);
  CHECK(store->claim_pending(pending()).claimed_new());
  store->ensure_schema();
  CHECK(store->find(pending().key) == pending());
}

TEST_CASE("SQLite: a schema that is there is not written again") {
  const Scratch scratch;
  const auto store = ready_store(scratch);
  const Connection writer = open_connection(scratch.file());
  execute(writer, "BEGIN IMMEDIATE");  // the write lock is taken, and ensure_schema can do without
  CHECK(!said(
      [&] { SqliteIdempotencyStore(scratch.file(), {.busy_timeout = 1ms}).ensure_schema(); }));
}

TEST_CASE("SQLite: tables side by side in one file") {
  const Scratch scratch;
  const auto one = ready_store(scratch, {.table = "one"});
  const auto two = ready_store(scratch, {.table = "two"});
  CHECK(one->claim_pending(pending()).claimed_new());
  CHECK(two->claim_pending(pending()).claimed_new());
  CHECK(one->save_if(guard_of(pending()), completed(pending())));
  CHECK(two->find(pending().key) == pending());
}

TEST_CASE("SQLite: a store made before the schema works after it") {
  const Scratch scratch;
  SqliteIdempotencyStore early(scratch.file());
  const auto no_table = said([&] { (void)early.claim_pending(pending()); });
  REQUIRE(no_table);
  CHECK(no_table->code == StoreErrc::misconfigured);
  CHECK(no_table->native_code == "SQLITE_ERROR");
  CHECK(no_table->what.find("ensure_schema()") != std::string::npos);
  CHECK(store_error([&] { (void)early.find(pending().key); }) == StoreErrc::misconfigured);
  CHECK(store_error([&] { (void)early.save_if(guard_of(pending()), pending()); }) ==
        StoreErrc::misconfigured);
  CHECK(store_error([&] { early.purge_expired(base, 1); }) == StoreErrc::misconfigured);

  (void)ready_store(scratch);  // by another object, as another process would
  CHECK(early.claim_pending(pending()).claimed_new());
  CHECK(early.find(pending().key) == pending());
}

TEST_CASE("SQLite: a table of another version is left alone") {
  const Scratch scratch;
  (void)ready_store(scratch)->claim_pending(pending());
  const Connection connection = open_connection(scratch.file());
  execute(connection, "UPDATE nexus_idempotency_schema SET version = 2");

  SqliteIdempotencyStore store(scratch.file());
  for (const auto& error :
       {said([&] { store.ensure_schema(); }), said([&] { (void)store.find(pending().key); }),
        said([&] { (void)store.claim_pending(pending("new")); })}) {
    REQUIRE(error);
    CHECK(error->code == StoreErrc::misconfigured);
    CHECK(error->what.find("ensure_schema()") != std::string::npos);
  }
  CHECK(ask(connection, "SELECT count(*) FROM nexus_idempotency") == "1");
  execute(connection, "UPDATE nexus_idempotency_schema SET version = 1");
  CHECK(store.find(pending().key) == pending());
}

TEST_CASE("SQLite: a table of that name that is no store's is left alone") {
  const Scratch scratch;
  const Connection connection = open_connection(scratch.file());
  execute(connection, "CREATE TABLE Nexus_Idempotency (x)");
  SqliteIdempotencyStore store(scratch.file());
  CHECK(store_error([&] { store.ensure_schema(); }) == StoreErrc::misconfigured);
  CHECK(ask(connection, "SELECT count(*) FROM sqlite_master") == "1");
}

TEST_CASE("SQLite: two objects on one file see each other's writes at once") {
  const Scratch scratch;
  const auto one = ready_store(scratch);
  const auto two = ready_store(scratch);
  CHECK(one->claim_pending(pending()).claimed_new());
  CHECK(two->claim_pending(pending("key", "token-2")).existing == pending());
  CHECK(two->save_if(guard_of(pending()), completed(pending())));
  CHECK(one->find(pending().key) == completed(pending()));
  CHECK_FALSE(one->save_if(guard_of(pending()), completed(pending(), "other")));
}

TEST_CASE("SQLite: purges of several transactions keep to their limit") {
  const Scratch scratch;
  const auto store = ready_store(scratch, {.synchronous = SqliteSynchronous::normal});
  const Connection connection = open_connection(scratch.file());
  add_records(connection, 1000, "i");
  CHECK(store->purge_expired(Timestamp(Duration(901)), 600) == 600);
  // Those with the earliest deadlines went first.
  CHECK(ask(connection, "SELECT min(expires_at) FROM nexus_idempotency") == "601");
  CHECK(store->purge_expired(Timestamp(Duration(901)), 600) == 300);
  CHECK(store->purge_expired(Timestamp(Duration(901)), 600) == 0);
  CHECK(ask(connection, "SELECT count(*) FROM nexus_idempotency") == "100");
}

TEST_CASE("SQLite: a purge keeps to its limit among records that lapsed at the same moment") {
  const Scratch scratch;
  const auto store = ready_store(scratch, {.synchronous = SqliteSynchronous::normal});
  const Connection connection = open_connection(scratch.file());
  // 40 that lapsed at 100, 500 at 200, 60 at 300.
  add_records(connection, 600, "CASE WHEN i <= 40 THEN 100 WHEN i <= 540 THEN 200 ELSE 300 END");
  const auto left = [&](int deadline) {
    return ask(connection, "SELECT count(*) FROM nexus_idempotency WHERE expires_at = " +
                               std::to_string(deadline));
  };
  const Timestamp before(Duration(301));
  CHECK(store->purge_expired(before, 15) == 15);
  CHECK(left(100) == "25");
  CHECK(store->purge_expired(before, 25) == 25);
  CHECK(left(100) == "0");
  CHECK(left(200) == "500");
  CHECK(store->purge_expired(before, 1) == 1);
  CHECK(store->purge_expired(before, 300) == 300);  // in two transactions
  CHECK(left(200) == "199");
  CHECK(left(300) == "60");
  CHECK(store->purge_expired(before, 219) == 219);  // all of one moment, and some of the next
  CHECK(left(200) == "0");
  CHECK(left(300) == "40");
  CHECK(store->purge_expired(Timestamp(Duration(300)), 1000) == 0);
  CHECK(store->purge_expired(before, 60) == 40);
}

TEST_CASE("SQLite: a purge of records that lapsed one after the other is one statement a batch") {
  const Scratch scratch;
  const auto store = ready_store(scratch);
  const Connection connection = open_connection(scratch.file());
  add_records(connection, 300, "i");
  SqliteIdempotencyStore borrowed(connection.get());
  execute(connection, "BEGIN");
  REQUIRE(borrowed.purge_expired(Timestamp(Duration(1)), 1) == 0);  // looks at the version, too
  int statements = 0;
  const auto count = [](unsigned, void* counter, void*, void*) {
    ++*static_cast<int*>(counter);
    return 0;
  };
  sqlite3_trace_v2(connection.get(), SQLITE_TRACE_STMT, count, &statements);
  CHECK(borrowed.purge_expired(Timestamp(Duration(301)), 256) == 256);
  CHECK(statements == 1);
  CHECK(borrowed.purge_expired(Timestamp(Duration(301)), 256) == 44);
  CHECK(statements == 3);  // and a look for others
  sqlite3_trace_v2(connection.get(), 0, nullptr, nullptr);
  execute(connection, "COMMIT");
}

TEST_CASE("SQLite: no read transaction is left open, so the log can be emptied") {
  const Scratch scratch;
  const auto store = ready_store(scratch);
  (void)store->claim_pending(pending());
  (void)store->claim_pending(pending());
  (void)store->find(sample_key("absent"));
  (void)store->save_if(guard_of(pending()), completed(pending()));
  const Connection connection = open_connection(scratch.file());
  CHECK(ask(connection, "PRAGMA wal_checkpoint(TRUNCATE)") == "0");  // not busy
  CHECK(std::filesystem::file_size(scratch.file().string() + "-wal") == 0);
}

TEST_CASE("SQLite: schema.sql run by hand, and run again: the store finds all it needs") {
  std::ifstream file(NEXUS_IDEMPOTENCY_SCHEMA);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const Scratch scratch;
  {
    const Connection by_hand = open_connection(scratch.file());
    for (int i = 0; i < 2; ++i) execute(by_hand, "BEGIN IMMEDIATE;" + text + ";COMMIT");
  }
  SqliteIdempotencyStore store(scratch.file());
  CHECK(store.claim_pending(pending()).claimed_new());
  const IdempotencyRecord done = completed(pending());
  CHECK(store.save_if(guard_of(pending()), done));
  CHECK(store.find(done.key) == done);
  CHECK(store.purge_expired(Timestamp::max(), 10) == 1);
  CHECK_NOTHROW(store.ensure_schema());
}
