// SPDX-License-Identifier: MIT
// The same load on stores that are broken on purpose: a judge that lets one of them pass would
// prove nothing about the others.
#include <chrono>
#include <iostream>
#include <string>
#include <string_view>

#include "crash/broken_store.hpp"
#include "crash/crew.hpp"
#include "crash/judge.hpp"
#include "crash/load.hpp"
#include "crash/log.hpp"
#include "support/catch.hpp"

using namespace nexus::idempotency::test;
using namespace std::chrono_literals;

TEST_CASE("a store that breaks its promises is found out") {
  for (const std::string_view breakage : breakages) {
    const std::string name(breakage);
    CAPTURE(name);
    const Stage stage(name);
    Orders orders = stage.orders("sqlite", (stage.scratch.path() / "store.db").string());
    orders.broken = name;
    Crew crew(orders, stage.seed);
    crew.start(6);
    LogReader log(stage.log);
    Judgement judgement;
    // It goes wrong at random: some are found out at once, some take their time.
    for (int rounds = 0; rounds < 200 && judgement.violations.empty(); ++rounds) {
      for (int kills = 0; kills < 20; ++kills) crew.kill_one(15ms);
      judgement = judge(log.read());
    }
    REQUIRE_FALSE(judgement.violations.empty());
    std::cout << "  " << judgement.counts.executions << " executions, kills " << crew.killed()
              << ", violations " << judgement.violations.size() << ", such as "
              << judgement.violations.front() << std::endl;
  }
}
