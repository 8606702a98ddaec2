// SPDX-License-Identifier: MIT
// See fault_cases.hpp and fault_storm.hpp.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engines/fault_cases.hpp"
#include "engines/fault_scenario.hpp"
#include "engines/fault_storm.hpp"
#include "engines/postgres_faults.hpp"
#include "nexus/idempotency.hpp"
#include "nexus/idempotency/postgres/postgres_store.hpp"
#include "support/catch.hpp"
#include "support/postgres_server.hpp"
#include "support/sample_records.hpp"

namespace nexus::idempotency::test {
namespace {

using namespace std::chrono_literals;

const std::string& server() {
  static const std::string conninfo = postgres_conninfo() + " options='-c synchronous_commit=off'";
  return conninfo;
}

PostgresStoreOptions options_of(const std::string& table, const Opening& opening) {
  PostgresStoreOptions options;
  options.table = table;
  options.pool_size = 1;
  options.prepare = opening.usual;
  options.pool_timeout = opening.hasty ? 1s : 30s;
  options.connect_timeout = options.pool_timeout;
  options.statement_timeout = options.pool_timeout;
  options.lock_timeout = options.pool_timeout;
  return options;
}

// A table. The other way to work: nothing is prepared.
class PostgresPlace final : public Workplace {
 public:
  PostgresPlace() : table(fresh_name("faults")), store_(server(), options_of(table, {})) {
    store_.ensure_schema();
  }

  IdempotencyStore& store() override { return store_; }
  std::unique_ptr<FaultProxy> make_proxy() override {
    return std::make_unique<FaultProxy>(postgres_socket(server()), postgres_protocol());
  }
  std::unique_ptr<IdempotencyStore> open(const FaultProxy& proxy, const Opening& opening) override {
    return std::make_unique<PostgresIdempotencyStore>(through(proxy, server()),
                                                      options_of(table, opening));
  }

  const std::string table;
  const std::string unmade_table = table + "_made";  // that ensure_schema is to make
  std::optional<PostgresIdempotencyStore> unmade{};  // through the proxy, on that table
  Sql session{server()};

 private:
  PostgresIdempotencyStore store_;
};

PostgresPlace& place_of(const Subject& subject) {
  return static_cast<PostgresPlace&>(subject.place);
}

// Purges

// Long before everything else in the table.
constexpr Timestamp long_ago{0s};

void three_old_records(Subject& subject) {
  IdempotencyStore& store = subject.place.store();
  (void)store.purge_expired(long_ago + 1h, 1000);  // those of an earlier scenario
  for (int i = 0; i < 3; ++i) {
    (void)store.claim_pending({subject.place.fresh_key(), RecordStatus::pending,
                               RequestFingerprint("old"), AttemptToken("old"), 1, std::nullopt,
                               long_ago, long_ago, long_ago});
  }
}
std::string purge(Subject& subject) {
  return "removed " + std::to_string(subject.store->purge_expired(long_ago + 1h, 1000));
}
std::string old_records(Subject& subject) {
  PostgresPlace& place = place_of(subject);
  return place.session.value("SELECT count(*) FROM " + place.table +
                             " WHERE expires_at < 3600000000");
}

// ensure_schema

void unmade_table(Subject& subject) {
  PostgresPlace& place = place_of(subject);
  const std::string& table = place.unmade_table;
  place.session.run("DROP TABLE IF EXISTS " + table + ", " + table + "_schema CASCADE");
  for (const char* function : {"_claim", "_save", "_purge"}) {
    place.session.run("DROP FUNCTION IF EXISTS " + table + function);
  }
  place.unmade.emplace(through(*subject.proxy, server()), options_of(table, subject.opening));
  if (!subject.opening.warm) return;
  try {
    (void)place.unmade->find(subject.key);  // only to have it connect
  } catch (const StoreError&) {
  }
}
std::string make_table(Subject& subject) {
  place_of(subject).unmade->ensure_schema();
  return "made";
}
std::string table_state(Subject& subject) {
  PostgresPlace& place = place_of(subject);
  return place.session.value("SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname IN ('" +
                             place.unmade_table + "', '" + place.unmade_table + "_schema')");
}

Engine engine() {
  Engine engine{[] { return std::make_unique<PostgresPlace>(); }, common_operations()};
  engine.operations.push_back({"purge", 1, false, true, &three_old_records, &purge, &old_records,
                               "removed 3", "3", "0", "removed 3", "removed 0"});
  engine.operations.push_back({"ensure_schema", 0, false, true, &unmade_table, &make_table,
                               &table_state, "made", "0", "2", "made", "made", true});
  return engine;
}

TEST_CASE("PostgreSQL: calls take no more round trips than they must") {
  calls_take_their_round_trips(engine());
}

TEST_CASE("PostgreSQL: one fault at any request of any call") {
  one_fault_anywhere(engine());
}

TEST_CASE("PostgreSQL: two faults in a row") {
  two_faults_in_a_row(engine());
}

TEST_CASE("PostgreSQL: stalls are given up in time") {
  stalls_are_given_up(engine());
}

TEST_CASE("PostgreSQL: an outage that lasts, and its end") {
  outages_end(engine());
}

// Where nothing may be kept in the session, and the server's default isolation is another.
TEST_CASE("PostgreSQL: who vanishes in a call's transaction does not keep its record locked") {
  PostgresPlace place;
  const std::unique_ptr<FaultProxy> proxy = place.make_proxy();
  PostgresIdempotencyStore vanishing(
      through(*proxy, server()) + " options='-c default_transaction_isolation=serializable'",
      options_of(place.table, {.usual = false, .hasty = true}));
  REQUIRE(vanishing.claim_pending(pending()).claimed_new());
  proxy->arm({{2, Fault::stalled_zombie}});  // BEGIN, the call, COMMIT
  CHECK(caught([&] {
          (void)vanishing.save_if(guard_of(pending()), completed(pending()));
        }).code() == StoreErrc::in_doubt);

  PostgresIdempotencyStore other(server(), options_of(place.table, {.hasty = true}));
  CHECK(other.find(key()) == pending());
  CHECK(other.save_if(guard_of(pending()), completed(pending())));
  CHECK(proxy->release() == 1);
  CHECK(other.find(key()) == completed(pending()));
}

TEST_CASE("PostgreSQL: a storm of faults") {
  PostgresStoreOptions options;
  options.table = fresh_name("storm");
  options.pool_size = 4;
  options.pool_timeout = 60s;
  PostgresIdempotencyStore(server(), options).ensure_schema();
  FaultProxy proxy(postgres_socket(server()), postgres_protocol());
  PostgresIdempotencyStore store(through(proxy, server()), options);
  survive_a_storm(proxy, store);
}

}  // namespace
}  // namespace nexus::idempotency::test
