// SPDX-License-Identifier: MIT
// The PostgreSQL store as a user meets it: its options, its set-up, and the whole lifecycle of a
// command over it.
#include "nexus/idempotency/postgres/postgres_store.hpp"

#include <chrono>
#include <string>
#include <variant>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/service.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"
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
using test::Table;

PostgresIdempotencyStore unused(const PostgresStoreOptions& options) {
  return PostgresIdempotencyStore(postgres_conninfo(), options);
}

}  // namespace

TEST_CASE("options out of their range are refused") {
  CHECK_THROWS_AS(unused({.pool_size = 0}), InvalidValueError);
  CHECK_THROWS_AS(unused({.pool_timeout = 0us}), InvalidValueError);
  CHECK_THROWS_AS(unused({.connect_timeout = 0us}), InvalidValueError);
  CHECK_THROWS_AS(unused({.statement_timeout = 0us}), InvalidValueError);
  CHECK_THROWS_AS(unused({.lock_timeout = -1us}), InvalidValueError);
}

TEST_CASE("the smallest and the greatest times are taken") {
  PostgresStoreOptions options;
  options.pool_timeout = options.connect_timeout = Duration::max();
  options.statement_timeout = options.lock_timeout = Duration::max();
  Table greatest(options);
  CHECK(greatest.store->claim_pending(pending()).claimed_new());
  CHECK_NOTHROW(unused({.statement_timeout = 1us}));
}

TEST_CASE("a table's name that would need quoting is refused, in both kinds") {
  test::Sql sql;
  for (const std::string& name : std::initializer_list<std::string>{
           "", ".", "a.", ".a", "a.b.c", "Commands", "a b", "a;drop table x", "a--", "\"a\"", "a'",
           "1a", "a.1", "\xC3\xA4", std::string("a\0", 2), std::string(49, 'a'),
           "a." + std::string(49, 'b')}) {
    INFO(name);
    CHECK_THROWS_AS(unused({.table = name}), InvalidValueError);
    CHECK_THROWS_AS(PostgresIdempotencyStore(sql.get(), name), InvalidValueError);
  }
  CHECK_NOTHROW(unused({.table = std::string(48, 'a') + "." + std::string(48, '_')}));
}

TEST_CASE("the longest table name works, and two that differ at its end are two tables") {
  const std::string stem = test::fresh_name() + "_";
  const std::string name = stem + std::string(47 - stem.size(), 'x');
  Table a({.table = name + "a"});
  Table b({.table = name + "b"});
  CHECK(a.store->claim_pending(pending()).claimed_new());
  CHECK(b.store->claim_pending(pending()).claimed_new());
  CHECK(a.store->purge_expired(Timestamp::max(), 10) == 1);
  CHECK(b.store->find(key()));
}

TEST_CASE("a conninfo string that can't be parsed is misconfigured, and not quoted") {
  for (const std::string& garbage :
       std::initializer_list<std::string>{"secret", "host", "password='secret", "nonsense=secret",
                                          "postgresql://[secret", std::string("host=x\0", 7)}) {
    const StoreError error = caught([&] { PostgresIdempotencyStore{garbage}; });
    CHECK(error.code() == StoreErrc::misconfigured);
    CHECK(std::string(error.what()).find("secret") == std::string::npos);
  }
}

TEST_CASE("without ensure_schema every call is misconfigured, and works once it has been called") {
  for (const bool prepare : {true, false}) {
    const PostgresStoreOptions options{.table = test::fresh_name(), .prepare = prepare};
    PostgresIdempotencyStore store(postgres_conninfo(), options);
    CHECK(caught([&] { (void)store.find(key()); }).code() == StoreErrc::misconfigured);
    CHECK(caught([&] { (void)store.claim_pending(pending()); }).native_code() == "42P01");
    CHECK(caught([&] { store.purge_expired(test::start, 1); }).code() == StoreErrc::misconfigured);
    store.ensure_schema();
    CHECK(store.claim_pending(pending()).claimed_new());
  }
}

TEST_CASE("a purge in several statements keeps to its limit") {
  Table table;
  table.store->purge_expired(Timestamp::max(), 0);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(table.store->claim_pending(pending("seed-" + std::to_string(i))).claimed_new());
  }
  table.sql.run(
      "INSERT INTO " + table.name() +
      " SELECT fence, created_at, last_transition_at, expires_at, status, tenant, operation,"
      " client_key || convert_to('-' || n, 'UTF8'), fingerprint, attempt_token, result FROM " +
      table.name() + ", generate_series(1, 1000) AS n");  // 3,003 in all
  CHECK(table.store->purge_expired(Timestamp::max(), 2500) == 2500);
  CHECK(table.store->purge_expired(Timestamp::max(), 2500) == 503);
  CHECK(table.store->purge_expired(Timestamp::max(), 2500) == 0);
}

TEST_CASE("a command's whole lifecycle over the store") {
  for (const bool prepare : {true, false}) {
    Table table({.prepare = prepare});
    testing::ManualClock clock(test::start);
    IdempotencyService service(*table.store, clock, {.pending_ttl = 15min, .completed_ttl = 24h});
    const RequestFingerprint fingerprint("fingerprint-1");
    const auto begin = [&] { return service.begin(key(), fingerprint); };

    const Attempt first = std::get<FirstExecution>(begin()).attempt;
    CHECK(std::get<InProgress>(begin()).retry_after == 15min);
    CHECK(std::holds_alternative<Conflict>(service.begin(key(), RequestFingerprint("other"))));
    clock.advance(10min);
    const Attempt renewed = service.renew(first);
    CHECK(renewed.lease_end == test::start + 25min);
    service.complete(renewed, ResultEnvelope("paid"));
    service.complete(renewed, ResultEnvelope("paid"));  // a repeat
    CHECK(std::get<Replay>(begin()).result == ResultEnvelope("paid"));
    CHECK(std::get<Replay>(begin()).completed_at == test::start + 10min);

    clock.advance(25h);  // the result has lapsed: taken over
    const Attempt second = std::get<FirstExecution>(begin()).attempt;
    CHECK(second.fence > first.fence);
    CHECK_THROWS_AS(service.complete(first, ResultEnvelope("late")), CompletionError);
    service.fail(second);
    const Attempt third = std::get<FirstExecution>(begin()).attempt;
    service.complete(third, ResultEnvelope::omitted());
    CHECK(std::get<Replay>(begin()).result.is_omitted());
    CHECK(table.store->purge_expired(clock.now() + 25h, 10) == 1);
    CHECK(std::holds_alternative<FirstExecution>(begin()));
  }
}
