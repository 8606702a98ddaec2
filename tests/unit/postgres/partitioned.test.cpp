// SPDX-License-Identifier: MIT
// The tables of schema_partitioned.sql: what a rotation drops and what it keeps, and who waits for
// whom when a period ends.
#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <thread>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/postgres/postgres_store.hpp"
#include "nexus/idempotency/record.hpp"
#include "support/catch.hpp"
#include "support/schema_file.hpp"
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
using test::start;

std::string make_tables() {
  std::string name = fresh_name();
  Sql().run(test::schema_for("schema_partitioned.sql", name));
  return name;
}

struct PartitionedTable : test::Table {
  PartitionedTable() : Table({.table = make_tables(), .lock_timeout = 1min}) {}

  // `length` 0: and lets a new period begin.
  [[nodiscard]] std::string rotation(Timestamp before, const std::string& length = "0",
                                     int carry = 0) const {
    return "SELECT " + name() + "_rotate(" + std::to_string(before.time_since_epoch().count()) +
           ", '" + length + "', " + std::to_string(carry) + ")";
  }
  // Returns: how many periods it dropped.
  int rotate(Timestamp before, const std::string& length = "0", int carry = 0) {
    return std::stoi(watch.value(rotation(before, length, carry)));
  }
  void begin_period() { watch.run(rotation(Timestamp::min())); }
  int partitions() {
    return std::stoi(watch.value("SELECT count(*) FROM pg_inherits WHERE inhparent = '" + name() +
                                 "_rows'::regclass"));
  }
  int rows() { return std::stoi(watch.value("SELECT count(*) FROM " + name())); }
  // Returns: in which partition it is.
  std::string place(const std::string& client_key) {
    return watch.value("SELECT tableoid::regclass FROM " + name() + "_rows WHERE client_key = '" +
                       client_key + "'");
  }
  // Effects: rotations wait for as long as it takes.
  void be_patient() { watch.run("ALTER FUNCTION " + name() + "_rotate SET lock_timeout = '1min'"); }
  // Effects: waits until this session waits for a lock.
  void wait_until_waiting(const Sql& session) {
    while (watch.value("SELECT cardinality(pg_blocking_pids(" + session.pid() + "))") == "0") {
      std::this_thread::sleep_for(2ms);
    }
  }
};

constexpr Timestamp lease_end = start + 15min;

IdempotencyRecord taken_over(const std::string& client_key = "key-1") {
  IdempotencyRecord next = pending(client_key, "token-2");
  next.expires_at = start + 48h;
  return next;
}

WriteGuard takeover_guard(const IdempotencyRecord& lapsed) {
  return {lapsed.attempt_token, lapsed.fingerprint, lapsed.status, LeaseCondition::lapsed,
          lease_end + 1h};
}

}  // namespace

TEST_CASE("a period is dropped when all of its records have lapsed, and no sooner") {
  PartitionedTable table;
  CHECK(table.store->claim_pending(pending("a")).claimed_new());
  CHECK(table.store->claim_pending(pending("b")).claimed_new());
  CHECK(table.store->save_if(guard_of(pending("b")), completed(pending("b"))));
  const Timestamp deadline = *completed(pending("b")).expires_at;
  CHECK(table.rotate(Timestamp::max()) == 0);  // the open one is never dropped
  CHECK(table.partitions() == 2);
  CHECK(table.rows() == 2);
  CHECK(table.rotate(deadline) == 0);
  CHECK(table.rows() == 2);
  CHECK(table.rotate(deadline + 1us, "1 day") == 2);  // an empty one, too
  CHECK(table.partitions() == 1);
  CHECK_FALSE(table.store->find(key("a")));
  CHECK_FALSE(table.store->find(key("b")));
  CHECK(table.store->claim_pending(pending("a")).claimed_new());
}

TEST_CASE("a new period begins only when the open one is old enough") {
  PartitionedTable table;
  CHECK(table.rotate(start, "1 day") == 0);  // the first is as old as can be
  CHECK(table.partitions() == 2);
  const std::string period = "SELECT period FROM " + table.name() + "_schema";
  const std::string open = table.watch.value(period);
  // Nothing to begin, and after the first call nothing to drop: then it locks nothing.
  CHECK(table.rotate(start, "1 day") == 1);
  CHECK(table.store->claim_pending(pending()).claimed_new());
  table.sql.run("BEGIN; LOCK TABLE " + table.name() + "_rows IN ACCESS SHARE MODE");
  CHECK(table.rotate(start, "1 day") == 0);
  table.sql.run("COMMIT");
  CHECK(table.watch.value(period) == open);
  CHECK(table.partitions() == 1);
  table.begin_period();
  CHECK(table.watch.value(period) == std::to_string(std::stol(open) + 1));
}

TEST_CASE("the few that have not lapsed are carried on, as they are") {
  PartitionedTable table;
  IdempotencyRecord forever = pending("forever");
  forever.expires_at = std::nullopt;
  IdempotencyRecord later = completed(pending("later"));
  later.expires_at = Timestamp::max();
  for (const IdempotencyRecord& record : {pending("lapsed"), forever, later}) {
    CHECK(table.store->claim_pending(record).claimed_new());
  }
  const Timestamp before = lease_end + 1us;
  CHECK(table.rotate(before) == 0);
  CHECK(table.rotate(before, "0", 1) == 0);
  CHECK(table.rows() == 3);
  CHECK(table.rotate(before, "1 day", 2) == 2);  // the second period was empty
  CHECK(table.partitions() == 1);
  CHECK(table.store->find(key("forever")) == forever);
  CHECK(table.store->find(key("later")) == later);
  CHECK_FALSE(table.store->find(key("lapsed")));
  CHECK(table.rows() == 2);
}

TEST_CASE("whoever saves a record takes it out of a closed period") {
  PartitionedTable table;
  CHECK(table.store->claim_pending(pending("a")).claimed_new());
  CHECK(table.store->claim_pending(pending("b")).claimed_new());
  const std::string first = table.place("a");
  table.begin_period();
  CHECK(table.place("a") == first);
  CHECK(table.store->save_if(guard_of(pending("a")), completed(pending("a"))));
  CHECK(table.place("a") != first);
  CHECK_FALSE(table.store->save_if(guard_of(completed(pending("b"))), completed(pending("b"))));
  CHECK(table.place("b") == first);
  CHECK(table.store->find(key("a")) == completed(pending("a")));
  CHECK(*table.store->claim_pending(pending("a")).existing == completed(pending("a")));
  CHECK(*table.store->claim_pending(pending("b")).existing == pending("b"));
  CHECK(table.rows() == 2);
}

TEST_CASE("a takeover in a period that is about to go: nobody loses a live record") {
  PartitionedTable table;
  const IdempotencyRecord lapsed = pending();
  const Timestamp before = lease_end + 1us;
  CHECK(table.store->claim_pending(lapsed).claimed_new());
  table.begin_period();

  SECTION("before the rotation") {
    CHECK(table.store->save_if(takeover_guard(lapsed), taken_over()));
    CHECK(table.rotate(before) == 1);
    CHECK(table.store->find(key()) == taken_over());
  }
  SECTION("in a transaction that is open when the rotation comes") {
    table.be_patient();
    table.sql.run("BEGIN");
    PostgresIdempotencyStore borrowed(table.sql.get(), table.name());
    CHECK(borrowed.save_if(takeover_guard(lapsed), taken_over()));
    Sql other;
    auto rotated =
        std::async(std::launch::async, [&] { return other.value(table.rotation(before)); });
    table.wait_until_waiting(other);
    table.sql.run("COMMIT");
    CHECK(rotated.get() == "1");
    CHECK(table.store->find(key()) == taken_over());
  }
  SECTION("in a transaction that is then rolled back") {
    table.sql.run("BEGIN");
    PostgresIdempotencyStore borrowed(table.sql.get(), table.name());
    CHECK(borrowed.save_if(takeover_guard(lapsed), taken_over()));
    table.sql.run("ROLLBACK");
    CHECK(table.store->find(key()) == lapsed);
    CHECK(table.rotate(before) == 1);
    CHECK_FALSE(table.store->find(key()));
  }
  SECTION("while the rotation holds its lock: it finds nothing, and claims anew") {
    table.sql.run("BEGIN");
    CHECK(table.sql.value(table.rotation(before)) == "1");
    auto saved = std::async(std::launch::async, [&] {
      return table.store->save_if(takeover_guard(lapsed), taken_over());
    });
    table.wait_until_blocked();
    table.sql.run("COMMIT");
    CHECK_FALSE(saved.get());
    CHECK(table.store->claim_pending(taken_over()).claimed_new());
    CHECK(table.store->find(key()) == taken_over());
  }
}

TEST_CASE("a claim that is open when the period ends: the next one waits, and sees it") {
  PartitionedTable table;
  table.be_patient();
  table.sql.run("BEGIN");
  PostgresIdempotencyStore borrowed(table.sql.get(), table.name());
  CHECK(borrowed.claim_pending(pending()).claimed_new());
  Sql other;
  auto rotated =
      std::async(std::launch::async, [&] { return other.value(table.rotation(Timestamp::min())); });
  table.wait_until_waiting(other);
  // Behind the rotation, which is behind the open claim.
  auto claim = std::async(std::launch::async,
                          [&] { return table.store->claim_pending(pending("key-1", "token-2")); });
  table.wait_until_blocked();
  const bool committed = GENERATE(true, false);
  table.sql.run(committed ? "COMMIT" : "ROLLBACK");
  CHECK(rotated.get() == "0");
  const ClaimPendingResult result = claim.get();
  CHECK(result.claimed_new() != committed);
  if (committed) CHECK(*result.existing == pending());
  CHECK(table.rows() == 1);
  CHECK(table.partitions() == 2);
}

TEST_CASE("a rotation gives up soon if a transaction is open, and has done nothing") {
  PartitionedTable table;
  CHECK(table.store->claim_pending(pending("lapsed")).claimed_new());
  IdempotencyRecord forever = pending("forever");
  forever.expires_at = std::nullopt;
  CHECK(table.store->claim_pending(forever).claimed_new());
  table.begin_period();
  const std::string place = table.place("forever");
  table.sql.run("BEGIN");
  PostgresIdempotencyStore borrowed(table.sql.get(), table.name());
  CHECK(borrowed.claim_pending(pending()).claimed_new());
  CHECK(table.watch.try_run(table.rotation(Timestamp::max(), "0", 10)) == "55P03");
  CHECK(table.store->claim_pending(pending("another")).claimed_new());
  table.sql.run("COMMIT");
  CHECK(table.partitions() == 2);
  CHECK(table.rows() == 4);
  CHECK(table.place("forever") == place);
  CHECK(table.rotate(Timestamp::max(), "0", 10) == 1);
  CHECK(table.rows() == 3);
}

TEST_CASE("one rotation at a time") {
  PartitionedTable table;
  table.sql.run("BEGIN");
  CHECK(table.sql.value(table.rotation(start)) == "0");
  CHECK(table.watch.try_run(table.rotation(start)) == "55P03");
  table.be_patient();
  Sql other;
  auto rotated = std::async(std::launch::async, [&] { return other.value(table.rotation(start)); });
  table.wait_until_waiting(other);
  table.sql.run("COMMIT");
  CHECK(rotated.get() == "1");  // what the other has closed
  CHECK(table.partitions() == 2);
}

TEST_CASE("two saves of one record in a closed period: the later one is repeated") {
  PartitionedTable table;
  CHECK(table.store->claim_pending(pending()).claimed_new());
  table.begin_period();
  IdempotencyRecord renewed = pending();
  renewed.expires_at = lease_end + 1h;
  table.sql.run("BEGIN");
  PostgresIdempotencyStore first(table.sql.get(), table.name());
  CHECK(first.save_if(guard_of(pending()), renewed));

  SECTION("on the store's own connection: nobody notices") {
    auto saved = std::async(std::launch::async, [&] {
      return table.store->save_if(guard_of(pending()), completed(pending()));
    });
    table.wait_until_blocked();
    table.sql.run("COMMIT");
    CHECK(saved.get());
    CHECK(table.store->find(key()) == completed(pending()));
  }
  SECTION("in the caller's transaction: contended") {
    Sql other;
    other.run("BEGIN");
    PostgresIdempotencyStore second(other.get(), table.name());
    auto error = std::async(std::launch::async, [&] {
      return caught([&] { (void)second.save_if(guard_of(pending()), completed(pending())); });
    });
    table.wait_until_waiting(other);
    table.sql.run("COMMIT");
    const StoreError thrown = error.get();
    CHECK(thrown.code() == StoreErrc::contended);
    CHECK(thrown.native_code() == "40001");
    other.run("ROLLBACK");
    CHECK(table.store->find(key()) == renewed);
  }
  CHECK(table.rows() == 1);
}

TEST_CASE("purges go through all periods, and pass over what others have locked") {
  PartitionedTable table;
  for (const char* name : {"a", "b"}) {
    CHECK(table.store->claim_pending(pending(name)).claimed_new());
  }
  table.begin_period();
  CHECK(table.store->claim_pending(pending("c")).claimed_new());
  table.sql.run("BEGIN");
  table.sql.run("SELECT FROM " + table.name() + "_rows WHERE client_key = 'a' FOR UPDATE");
  CHECK(table.store->purge_expired(lease_end, 10) == 0);
  CHECK(table.store->purge_expired(lease_end + 1us, 1) == 1);
  CHECK(table.store->purge_expired(lease_end + 1us, 10) == 1);
  CHECK(table.store->find(key("a")));
  table.sql.run("ROLLBACK");
  CHECK(table.store->purge_expired(lease_end + 1us, 10) == 1);
}

TEST_CASE("a role that owns nothing: what schema_partitioned.sql grants is enough") {
  PartitionedTable table;
  const std::string role = fresh_name("role");
  table.sql.run("CREATE ROLE " + role + " LOGIN");
  PostgresIdempotencyStore store(postgres_conninfo() + " user=" + role, table.options);
  CHECK(caught([&] { (void)store.claim_pending(pending()); }).native_code() == "42501");

  table.sql.run("GRANT SELECT ON " + table.name() + "_schema, " + table.name() + " TO " + role +
                ";GRANT SELECT, INSERT, UPDATE, DELETE ON " + table.name() + "_rows TO " + role);
  store.ensure_schema();  // all is there, so it needs no right to create
  CHECK(store.claim_pending(pending()).claimed_new());
  table.begin_period();
  CHECK(store.save_if(guard_of(pending()), completed(pending())));  // moves it
  CHECK(store.find(key()) == completed(pending()));
  CHECK(store.claim_pending(pending("key-2")).claimed_new());
  CHECK(store.purge_expired(Timestamp::max(), 10) == 2);
  Sql sql(postgres_conninfo() + " user=" + role);
  CHECK(sql.try_run(table.rotation(start)) == "42501");
}

TEST_CASE("a rotation is refused in a transaction that does not see what was just committed") {
  PartitionedTable table;
  for (const std::string level : {"REPEATABLE READ", "SERIALIZABLE"}) {
    CAPTURE(level);
    table.sql.run("BEGIN ISOLATION LEVEL " + level);
    CHECK(table.sql.try_run(table.rotation(start)) == "25000");
    table.sql.run("ROLLBACK");
  }
  CHECK(table.partitions() == 1);
}
