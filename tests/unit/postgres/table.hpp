// SPDX-License-Identifier: MIT
// A table of a test's own in the test's server, and what is put into it.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "nexus/idempotency/postgres/postgres_store.hpp"
#include "support/catch.hpp"
#include "support/postgres_server.hpp"
#include "support/sample_records.hpp"
#include "support/store_error.hpp"

namespace nexus::idempotency::test {

// A fresh table, a store over it, and a session beside the store.
struct Table {
  explicit Table(PostgresStoreOptions given = {}, std::string to = postgres_conninfo())
      : options(std::move(given)), application(fresh_name("app")), conninfo(std::move(to)) {
    if (options.table == PostgresStoreOptions{}.table) options.table = fresh_name();
    PostgresIdempotencyStore(conninfo, {.table = options.table}).ensure_schema();
    own_conninfo = conninfo + " application_name=" + application;
    store.emplace(own_conninfo, options);
  }

  PostgresStoreOptions options;
  std::string application;   // of the store's sessions
  std::string conninfo;      // for other sessions
  std::string own_conninfo;  // the store's
  std::optional<PostgresIdempotencyStore> store;
  Sql sql{conninfo};
  Sql watch{conninfo};  // in no transaction: within one, pg_stat_activity stays as it was

  [[nodiscard]] const std::string& name() const { return options.table; }

  // Returns: the number of a session of the store's.
  std::string backend() {
    return watch.value("SELECT pid FROM pg_stat_activity WHERE application_name = '" + application +
                       "'");
  }
  // Effects: ends the store's sessions, and waits until they are gone.
  void end_sessions() {
    test::end_sessions(watch,
                       watch.run("SELECT pid FROM pg_stat_activity WHERE application_name = '" +
                                 application + "'"));
  }
  [[nodiscard]] std::string sessions() {
    return watch.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = '" +
                       application + "'");
  }
  // Effects: waits until `count` sessions of the store's wait for a lock.
  void wait_until_blocked(int count = 1) {
    const std::string query =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
        "application_name = '" +
        application + "'";
    for (int i = 0; i < 10'000; ++i) {
      if (watch.value(query) == std::to_string(count)) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    throw std::runtime_error("no session waits for a lock");
  }
};

}  // namespace nexus::idempotency::test
