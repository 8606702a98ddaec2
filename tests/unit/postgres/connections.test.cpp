// SPDX-License-Identifier: MIT
// Connections of the store's own: how they are shared, lost and replaced, and that no wait lasts
// forever.
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/postgres/postgres_store.hpp"
#include "nexus/idempotency/service.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"
#include "support/catch.hpp"
#include "unit/postgres/descriptors.hpp"
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

template <class Work>
auto in_background(Work work) {
  return std::async(std::launch::async, work);
}

// The directory of the server's socket.
std::string socket_directory() {
  const std::string conninfo = postgres_conninfo();
  const std::size_t from = conninfo.find("host=") + 5;
  return conninfo.substr(from, conninfo.find(' ', from) - from);
}

}  // namespace

TEST_CASE("a pool whose connections are all in use: exhausted, and free again later") {
  Table table({.pool_size = 1, .pool_timeout = 20ms, .lock_timeout = 1min});
  REQUIRE(table.store->claim_pending(pending()).claimed_new());
  table.sql.run("BEGIN; SELECT * FROM " + table.name() + " FOR UPDATE");
  auto blocked = in_background(
      [&] { return table.store->save_if(guard_of(pending()), completed(pending())); });
  table.wait_until_blocked();
  CHECK(caught([&] { (void)table.store->find(key()); }).code() == StoreErrc::exhausted);
  table.sql.run("COMMIT");
  CHECK(blocked.get());
  CHECK(table.store->find(key()) == completed(pending()));
}

TEST_CASE("calls wait for a connection, and no more are opened than the pool's size") {
  Table table({.pool_size = 2, .pool_timeout = 1min});
  std::vector<std::future<bool>> calls;
  for (int i = 0; i < 8; ++i) {
    calls.push_back(in_background([&, i] {
      bool all = true;
      for (int n = 0; n < 20; ++n) {
        all = table.store
                  ->claim_pending(pending("key " + std::to_string(i) + "/" + std::to_string(n)))
                  .claimed_new() &&
              all;
      }
      return all;
    }));
  }
  for (auto& call : calls) CHECK(call.get());
  CHECK(std::stoi(table.sessions()) <= 2);
}

TEST_CASE("one thread needs one connection, and the destructor closes it") {
  Table table;
  for (int i = 0; i < 20; ++i) CHECK_FALSE(table.store->find(key()));
  CHECK(table.sessions() == "1");
  table.store.reset();
  while (table.sessions() != "0") std::this_thread::sleep_for(1ms);
}

TEST_CASE("without file descriptors for a connection: an error, none is kept, and later it works") {
  Table table({.pool_size = 1, .pool_timeout = 1ms});  // one place, which is given back each time
  const std::size_t before = test::open_descriptors();
  const auto code_with = [&](rlim_t spare) {
    const test::NoMoreDescriptors limit(spare);
    return caught([&] { (void)table.store->find(key()); }).code();
  };
  CHECK(code_with(0) == StoreErrc::unavailable);  // libpq has no socket, and doesn't say why
  CHECK(code_with(1) == StoreErrc::exhausted);
  CHECK(code_with(2) == StoreErrc::exhausted);
  CHECK(test::open_descriptors() == before);
  {
    const test::NoMoreDescriptors limit(3);
    CHECK_FALSE(table.store->find(key()));
    CHECK(table.store->claim_pending(pending()).claimed_new());  // takes no others
  }
  CHECK(test::open_descriptors() == before + 3);
}

TEST_CASE("a server that is not there: unavailable; the same store works once it is") {
  Table table;
  const std::string elsewhere = "/tmp/" + fresh_name("nexus_absent");
  std::filesystem::create_directory(elsewhere);
  const auto path = [](const std::string& directory) { return directory + "/.s.PGSQL.5432"; };
  PostgresIdempotencyStore store(postgres_conninfo() + " host=" + elsewhere, table.options);
  const StoreError error = caught([&] { (void)store.claim_pending(pending()); });
  CHECK(error.code() == StoreErrc::unavailable);
  CHECK(error.native_code().empty());
  CHECK(std::string(error.what()).find(elsewhere) == std::string::npos);
  CHECK(caught([&] { store.ensure_schema(); }).code() == StoreErrc::unavailable);
  std::filesystem::create_symlink(path(socket_directory()), path(elsewhere));
  CHECK(store.claim_pending(pending()).claimed_new());
  std::filesystem::remove_all(elsewhere);
}

TEST_CASE("a server that doesn't answer a connection: unavailable after connect_timeout") {
  // A listener that nobody accepts from: connected, and then silence.
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  const std::string directory = "/tmp/" + fresh_name("nexus_silent");
  std::filesystem::create_directory(directory);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (directory + "/.s.PGSQL.5432").copy(address.sun_path, sizeof(address.sun_path) - 1);
  REQUIRE(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  REQUIRE(listen(listener, 8) == 0);
  PostgresIdempotencyStore store(postgres_conninfo() + " host=" + directory,
                                 {.connect_timeout = 50ms});
  CHECK(caught([&] { (void)store.find(key()); }).code() == StoreErrc::unavailable);
  close(listener);
  std::filesystem::remove_all(directory);
}

TEST_CASE("sessions that the server ended while they were idle are replaced without an error") {
  for (const bool prepare : {true, false}) {
    Table table({.prepare = prepare});
    REQUIRE(table.store->claim_pending(pending()).claimed_new());
    table.end_sessions();
    CHECK(table.store->save_if(guard_of(pending()), completed(pending())));
    table.end_sessions();
    CHECK(table.store->find(key()) == completed(pending()));
  }
}

TEST_CASE("a session ended while it writes: in doubt; while it reads: unavailable") {
  for (const bool prepare : {true, false}) {
    Table table(
        {.pool_size = 1, .statement_timeout = 1min, .lock_timeout = 1min, .prepare = prepare});
    REQUIRE(table.store->claim_pending(pending()).claimed_new());
    table.sql.run("BEGIN; LOCK TABLE " + table.name() + " IN ACCESS EXCLUSIVE MODE");
    auto write = in_background([&] {
      return caught([&] { (void)table.store->save_if(guard_of(pending()), completed(pending())); });
    });
    table.wait_until_blocked();
    table.end_sessions();
    const StoreError written = write.get();
    CHECK(written.code() == StoreErrc::in_doubt);
    CHECK(written.native_code() == "57P01");

    auto read = in_background([&] { return caught([&] { (void)table.store->find(key()); }); });
    table.wait_until_blocked();
    table.end_sessions();
    CHECK(read.get().code() == StoreErrc::unavailable);
    table.sql.run("ROLLBACK");
    CHECK(table.store->find(key()) == pending());
  }
}

TEST_CASE("a service settles a claim whose session was ended") {
  Table table({.statement_timeout = 1min, .lock_timeout = 1min});
  testing::ManualClock clock(test::start);
  IdempotencyService service(*table.store, clock);
  REQUIRE_FALSE(table.store->find(key()));  // connected and prepared
  table.sql.run("BEGIN; LOCK TABLE " + table.name() + " IN ACCESS EXCLUSIVE MODE");
  auto decision =
      in_background([&] { return service.begin(key(), RequestFingerprint("fingerprint-1")); });
  table.wait_until_blocked();
  table.end_sessions();
  table.wait_until_blocked();  // asks again, on another connection
  table.sql.run("ROLLBACK");
  CHECK(std::holds_alternative<FirstExecution>(decision.get()));
}

TEST_CASE("a server that falls silent is given up after the statement's time and a second") {
  Table table({.statement_timeout = 1s});
  PostgresIdempotencyStore& store = *table.store;
  REQUIRE(store.claim_pending(pending()).claimed_new());
  const auto backend = static_cast<pid_t>(std::stoi(table.backend()));
  REQUIRE(kill(backend, SIGSTOP) == 0);
  CHECK(caught([&] { (void)store.save_if(guard_of(pending()), completed(pending())); }).code() ==
        StoreErrc::in_doubt);
  kill(backend, SIGCONT);
  // The next call has another session. Whether the first one got through is not known, hence
  // in_doubt.
  (void)store.save_if(guard_of(pending()), completed(pending()));
  CHECK(store.find(key()) == completed(pending()));
  CHECK(std::to_string(backend) != table.backend());
}

TEST_CASE("ensure_schema on a server that falls silent: unavailable, and works on a new session") {
  for (const bool there : {true, false}) {
    CAPTURE(there);
    // Without a table, a connection is only kept if nothing had to be prepared on it.
    Table table({.statement_timeout = 1s, .prepare = there});
    if (!there) {
      table.sql.run("DROP TABLE " + table.name() + ", " + table.name() + "_schema CASCADE;" +
                    "DROP FUNCTION " + table.name() + "_save, " + table.name() + "_purge");
      CHECK(caught([&] { (void)table.store->find(key()); }).native_code() == "42P01");
    } else {
      CHECK_FALSE(table.store->find(key()));
    }
    const std::string backend = table.backend();
    REQUIRE(kill(static_cast<pid_t>(std::stoi(backend)), SIGSTOP) == 0);
    // Nothing was written, so nothing is in doubt.
    CHECK(caught([&] { table.store->ensure_schema(); }).code() == StoreErrc::unavailable);
    CHECK_NOTHROW(table.store->ensure_schema());
    CHECK(table.store->claim_pending(pending()).claimed_new());
    REQUIRE(kill(static_cast<pid_t>(std::stoi(backend)), SIGCONT) == 0);
  }
}

TEST_CASE("a table that is made anew, and statements that are gone, do not stop the store") {
  Table table;
  REQUIRE(table.store->claim_pending(pending()).claimed_new());
  const std::string name = table.name();
  table.sql.run("DROP TABLE " + name + " CASCADE; DROP TABLE " + name + "_schema; DROP FUNCTION " +
                name + "_save, " + name + "_purge");
  table.store->ensure_schema();
  CHECK(table.store->claim_pending(pending()).claimed_new());
  CHECK(table.store->save_if(guard_of(pending()), completed(pending())));
  CHECK(table.store->find(key()) == completed(pending()));
}

// What a session has is seen from within it: by a trigger on the store's table.
TEST_CASE("with prepare = false nothing is kept in the session, neither statements nor settings") {
  for (const bool prepare : {false, true}) {
    CAPTURE(prepare);
    Table table({.pool_size = 1, .prepare = prepare});
    const std::string seen = fresh_name("seen");
    table.sql.run("CREATE TABLE " + seen + " (statements bigint, lock_timeout text, plans text)");
    table.sql.run("CREATE FUNCTION " + seen +
                  "() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
                  " INSERT INTO " +
                  seen +
                  " SELECT (SELECT count(*) FROM pg_prepared_statements),"
                  " current_setting('lock_timeout'), current_setting('plan_cache_mode');"
                  " RETURN NEW; END$$");
    table.sql.run("CREATE TRIGGER t BEFORE INSERT OR UPDATE ON " + table.name() +
                  " FOR EACH ROW EXECUTE FUNCTION " + seen + "()");
    CHECK(table.store->claim_pending(pending()).claimed_new());
    CHECK(table.store->save_if(guard_of(pending()), completed(pending())));
    const std::string kept = table.sql.value(
        "SELECT count(*) FROM " + seen +
        " WHERE statements > 0 AND lock_timeout = '2s' AND plans = 'force_generic_plan'");
    const std::string untouched =
        table.sql.value("SELECT count(*) FROM " + seen +
                        " WHERE statements = 0 AND lock_timeout = '0' AND plans = 'auto'");
    CHECK(kept == (prepare ? "2" : "0"));
    CHECK(untouched == (prepare ? "0" : "2"));
  }
}
