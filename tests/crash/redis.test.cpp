// SPDX-License-Identifier: MIT
// Many processes over one Redis server, SIGKILL for them at random moments, and for the server.
// See load.hpp for what it shows.
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
#include "support/redis_process.hpp"

using namespace nexus::idempotency::test;

TEST_CASE("8 processes over one Redis server execute each of 1,000 commands once a lease") {
  const Stage stage("redis_processes");
  const RedisProcess server;
  many_processes(stage, "redis", server.socket());
}

TEST_CASE("processes that work on a Redis server may be killed at any moment") {
  const Stage stage("redis_kills");
  const RedisProcess server;
  many_kills(stage, "redis", server.socket(), 1000, std::chrono::milliseconds(12));
}

TEST_CASE("a Redis server under appendfsync always may crash at any moment") {
  const Stage stage("redis_server");
  RedisProcess server;
  many_server_crashes(stage, server, "redis", server.socket());
}

TEST_CASE("a Redis server that acknowledges what it will not have after a crash is found out") {
  const Stage stage("redis_forgetful");
  RedisProcess server({"--appendonly", "no"});
  LogReader log(stage.log);
  Crew crew(stage.orders("redis", server.socket()), stage.seed);
  crew.start(8);
  std::vector<std::string> violations;
  for (int crashes = 0; crashes < 20 && violations.empty(); ++crashes) {
    for (int kills = 0; kills < 20; ++kills) crew.kill_one(gap(std::chrono::milliseconds(20)));
    server.crash();
    server.again();
    const Judgement judgement = judge(log.read());
    violations = compare(judgement, read_by_hiredis(server.socket()), 0);
    violations.insert(violations.end(), judgement.violations.begin(), judgement.violations.end());
  }
  std::cout << "  violations " << violations.size() << std::endl;
  REQUIRE_FALSE(violations.empty());
}
