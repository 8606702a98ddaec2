// SPDX-License-Identifier: MIT
#include "nexus/idempotency/postgres/postgres_clock.hpp"

#include <chrono>
#include <string>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/system_clock.hpp"
#include "support/catch.hpp"
#include "support/postgres_server.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;
using namespace std::chrono_literals;

TEST_CASE("it shows the server's time, which here is this host's") {
  PostgresClock clock(postgres_conninfo());
  SystemClock host;
  for (int i = 0; i < 3; ++i) {
    const Timestamp before = host.now();
    const Timestamp told = clock.now();
    const Timestamp after = host.now();
    // Off by at most half of the longest round trip, before or after.
    CHECK(told >= before - 100ms);
    CHECK(told <= after + 100ms);
  }
}

TEST_CASE("it asks in whatever time zone and format, and by the time of the call") {
  const std::string options =
      " options='-c TimeZone=Asia/Kuala_Lumpur -c DateStyle=German -c "
      "default_transaction_isolation="
      "serializable'";
  PostgresClock clock(postgres_conninfo() + options);
  SystemClock host;
  CHECK(clock.now() > host.now() - 1s);
}

TEST_CASE("a connection that was ended is replaced by the next question") {
  // Every call asks.
  ServerClockOptions options;
  options.sample_interval = 1us;
  PostgresClock clock(postgres_conninfo() + " application_name=ended_clock", options);
  CHECK_NOTHROW(clock.now());
  Sql sql;
  const std::string sessions =
      "SELECT pid FROM pg_stat_activity WHERE application_name = 'ended_clock'";
  test::end_sessions(sql, sql.run(sessions));
  CHECK_NOTHROW(clock.now());
  CHECK(sql.run(sessions).size() == 1);
}

TEST_CASE("a server that is not there is unavailable, and no message names the password") {
  PostgresClock clock("host=/nonexistent user=nobody password=secret");
  try {
    static_cast<void>(clock.now());
    FAIL("it showed a time");
  } catch (const StoreError& error) {
    CHECK(error.code() == StoreErrc::unavailable);
    CHECK(std::string(error.what()).find("secret") == std::string::npos);
  }
}

TEST_CASE("what can't be meant is refused") {
  CHECK_THROWS_AS(PostgresClock("host='"), StoreError);
  CHECK_THROWS_AS(PostgresClock("", {}, 0s), InvalidValueError);
  ServerClockOptions options;
  options.max_age = 1s;
  CHECK_THROWS_AS(PostgresClock("", options), InvalidValueError);
}
