// SPDX-License-Identifier: MIT
// The PostgreSQL server is killed and restarted in the middle of the load.
#include "crash/server.hpp"

#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include "crash/crew.hpp"
#include "crash/judge.hpp"
#include "crash/load.hpp"
#include "crash/log.hpp"
#include "crash/server_crashes.hpp"
#include "crash/stored.hpp"
#include "support/catch.hpp"

using namespace nexus::idempotency::test;
using namespace std::chrono_literals;

TEST_CASE("the PostgreSQL server may crash at any moment, and its clients go on") {
  const Stage stage("postgres_server");
  CrashingServer server(stage.scratch.path() / "server");
  many_server_crashes(stage, server, "postgres", server.conninfo());
}

TEST_CASE("a PostgreSQL server that acknowledges before it has written is found out") {
  const Stage stage("postgres_early");
  CrashingServer server(stage.scratch.path() / "server");
  const std::string early = server.conninfo() + " options='-c synchronous_commit=off'";
  LogReader log(stage.log);
  Crew crew(stage.orders("postgres", early), stage.seed);
  crew.start(8);
  std::vector<std::string> violations;
  for (int crashes = 0; crashes < 20 && violations.empty(); ++crashes) {
    for (int kills = 0; kills < 20; ++kills) crew.kill_one(gap(20ms));
    server.crash();
    server.again();
    const Judgement judgement = judge(log.read());
    violations = compare(judgement, read_by_libpq(server.conninfo()), 0);
    violations.insert(violations.end(), judgement.violations.begin(), judgement.violations.end());
  }
  std::cout << "  violations " << violations.size() << std::endl;
  REQUIRE_FALSE(violations.empty());
}
