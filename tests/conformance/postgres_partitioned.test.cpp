// SPDX-License-Identifier: MIT
// The store on the tables of schema_partitioned.sql under the conformance suite, at rest and while
// periods begin and end all the time.
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "nexus/idempotency.hpp"
#include "nexus/idempotency/postgres/postgres_store.hpp"
#include "support/catch.hpp"
#include "support/conformance.hpp"
#include "support/postgres_fixture.hpp"
#include "support/postgres_server.hpp"
#include "support/schema_file.hpp"

namespace {

using namespace nexus::idempotency;
using namespace std::chrono_literals;
using test::Sql;

// Nothing in it has to outlive the server, so that commits need not wait for the disk.
std::string database() {
  std::string conninfo = test::make_database();
  Sql sql(conninfo);
  sql.run("ALTER DATABASE " + sql.value("SELECT current_database()") +
          " SET synchronous_commit = off");
  return conninfo;
}

// In all three kinds.
void check_kinds(const std::string& conninfo, const test::MakeTable& make_table) {
  SECTION("prepared") {
    test::PooledFixture fixture(conninfo, {}, "", make_table);
    test::check_conformance(fixture);
  }
  SECTION("unprepared") {
    test::PooledFixture fixture(conninfo, {.prepare = false}, "", make_table);
    test::check_conformance(fixture);
  }
  SECTION("on the caller's connections") {
    test::BorrowedFixture fixture(conninfo, make_table);
    test::check_conformance(fixture);
  }
}

// Rotates one table after another, again and again, while it lives. To it nothing has lapsed, so
// that it drops only what is empty, or what it has emptied into the open period, if it carries.
class Rotation {
 public:
  Rotation(const std::string& conninfo, bool carrying)
      : conninfo_(conninfo), carry_(carrying ? "10000" : "0") {}
  Rotation(const Rotation&) = delete;
  Rotation& operator=(const Rotation&) = delete;
  ~Rotation() { stop(); }

  void begin(const std::string& table) {
    stop();
    stopped_ = false;
    thread_ = std::thread([this, table] {
      Sql sql(conninfo_);
      const std::string rotate =
          "SELECT " + table + "_rotate(-9223372036854775808, '0', " + carry_ + ")";
      while (!stopped_) {
        const std::string error = sql.try_run(rotate);
        if (error.empty()) {
          ++done_;
        } else if (error != "55P03" && error != "40001" && error != "40P01") {
          ++failed_;
        }
        std::this_thread::sleep_for(carry_ == "0" ? 50ms : 5ms);
      }
    });
  }

  void stop() {
    stopped_ = true;
    if (thread_.joinable()) thread_.join();
  }

  [[nodiscard]] int done() const { return done_; }
  [[nodiscard]] int failed() const { return failed_; }

 private:
  std::string conninfo_;
  std::string carry_;
  std::thread thread_;
  std::atomic<bool> stopped_ = true;
  std::atomic<int> done_ = 0;
  std::atomic<int> failed_ = 0;
};

}  // namespace

TEST_CASE("the PostgreSQL store conforms on partitions") {
  const std::string conninfo = database();
  Sql sql(conninfo);
  check_kinds(conninfo, [&](const std::string& table) {
    sql.run(test::schema_for("schema_partitioned.sql", table));
  });
}

TEST_CASE("the PostgreSQL store conforms on partitions while they come and go") {
  const std::string conninfo = database();
  Sql sql(conninfo);
  // A purge passes over what is being carried, which the suite takes for a record forgotten.
  Rotation rotation(conninfo, false);
  check_kinds(conninfo, [&](const std::string& table) {
    sql.run(test::schema_for("schema_partitioned.sql", table));
    rotation.begin(table);
  });
  rotation.stop();
  CHECK(rotation.done() > 10);
  CHECK(rotation.failed() == 0);
}

TEST_CASE("commands while their records are carried from one period to the next") {
  constexpr int keys = 300;
  const std::string conninfo = database();
  const std::string table = test::fresh_name();
  Sql(conninfo).run(test::schema_for("schema_partitioned.sql", table));
  Rotation rotation(conninfo, true);
  rotation.begin(table);

  PostgresIdempotencyStore store(conninfo, {.table = table});
  SystemClock clock;
  IdempotencyService service(store, clock);
  const RequestFingerprint fingerprint("cents=1000");
  std::atomic<int> executed = 0;
  std::atomic<int> replayed = 0;
  std::atomic<int> gave_up = 0;
  const auto run_all = [&] {
    for (int i = 0; i < keys; ++i) {
      const IdempotencyKey key{TenantId("t"), OperationRef("o"), ClientKey(std::to_string(i))};
      try {
        const BeginDecision decision = service.begin(key, fingerprint);
        if (const auto* first = std::get_if<FirstExecution>(&decision)) {
          ++executed;
          service.complete(first->attempt, ResultEnvelope("done"));
        } else if (std::holds_alternative<Replay>(decision)) {
          ++replayed;
        }
      } catch (const StoreError& error) {
        // Its own repeats may all have met a rotation.
        if (error.code() != StoreErrc::contended) throw;
        ++gave_up;
      }
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) threads.emplace_back(run_all);
  for (std::thread& thread : threads) thread.join();
  run_all();
  rotation.stop();
  CHECK(executed == keys);
  CHECK(replayed >= keys - gave_up);
  CHECK(gave_up < keys / 10);
  CHECK(rotation.done() > 10);
  CHECK(rotation.failed() == 0);
  CHECK(Sql(conninfo).value("SELECT count(*) FROM " + table) == std::to_string(keys));
}
