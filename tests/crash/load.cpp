// SPDX-License-Identifier: MIT
#include "crash/load.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "crash/log.hpp"
#include "crash/store_maker.hpp"
#include "crash/stored.hpp"
#include "nexus/idempotency/ports.hpp"
#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

std::uint64_t chosen_seed() {
  const char* const given =
      std::getenv("NEXUS_IDEMPOTENCY_CRASH_SEED");  // NOLINT(concurrency-mt-unsafe)
  if (given != nullptr) {
    return std::stoull(given);
  }
  return std::random_device{}();
}

}  // namespace

std::size_t scaled(std::size_t count) {
  return std::max<std::size_t>(1, count * NEXUS_IDEMPOTENCY_CRASH_PERCENT / 100);
}

std::chrono::microseconds gap(std::chrono::microseconds usual) {
  return usual * 100 / NEXUS_IDEMPOTENCY_CRASH_PERCENT;
}

Stage::Stage(const std::string& name) : scratch(name), seed(chosen_seed()) {
  std::cout << name << ": seed " << seed << std::endl;
}

Orders Stage::orders(const std::string& engine, const std::string& place) const {
  Orders orders;
  orders.engine = engine;
  orders.place = place;
  orders.log = log;
  orders.since = monotonic_now();
  orders.rate = 60;
  orders.window = 25;
  orders.keys = std::numeric_limits<std::uint32_t>::max();
  return orders;
}

std::uint32_t keys_in(const std::vector<Event>& events) {
  std::uint32_t keys = 0;
  for (const Event& event : events) keys = std::max(keys, event.key + 1);
  return keys;
}

void many_processes(const Stage& stage, const std::string& engine, const std::string& place) {
  Orders orders = stage.orders(engine, place);
  orders.keys = static_cast<std::uint32_t>(std::max<std::size_t>(scaled(1000), 300));
  orders.rate = 100;
  orders.window = 20;
  Crew crew(orders, stage.seed);
  crew.start(8);
  std::this_thread::sleep_for(std::chrono::seconds(1) * orders.keys / orders.rate);
  crew.stop();
  crew.settle(8, orders.keys);
  const Counts counts = require_no_violation(stage, crew, engine, place);
  CHECK(counts.executions >= orders.keys);
  CHECK(counts.replays >= std::size_t{6} * orders.keys);  // some have failed for good
  CHECK(counts.takeovers > 0);
}

void many_kills(const Stage& stage, const std::string& engine, const std::string& place,
                std::size_t kills, std::chrono::microseconds usual_gap) {
  Orders orders = stage.orders(engine, place);
  orders.own_crashes = 15;
  orders.threads = 2;
  Crew crew(orders, stage.seed);
  crew.start(8);
  kills = scaled(kills);
  for (std::size_t i = 0; i < kills; ++i) crew.kill_one(gap(usual_gap));
  crew.stop();
  crew.settle(2, keys_in(LogReader(stage.log).read()));
  const Counts counts = require_no_violation(stage, crew, engine, place);
  CHECK(crew.killed() - counts.own_crashes >= kills * 9 / 10);  // the others were dead already
  CHECK(counts.cut_calls >= kills / 50);
  CHECK(counts.takeovers >= kills / 50);
  CHECK(counts.completed >= kills / 10);
}

Counts require_no_violation(const Stage& stage, const Crew& crew, const std::string& engine,
                            const std::string& place) {
  LogReader log(stage.log);
  const std::vector<Event>& events = log.read();
  const std::uint32_t keys = keys_in(events);
  Judgement judgement = judge(events);
  std::vector<std::string>& violations = judgement.violations;
  const auto add = [&](const std::vector<std::string>& more) {
    violations.insert(violations.end(), more.begin(), more.end());
  };
  const std::unique_ptr<IdempotencyStore> store = open_store(engine, place);
  add(compare(judgement, read_by_store(*store, keys), keys));
  const Answers lying = engine == "sqlite"     ? read_by_sqlite(place)
                        : engine == "postgres" ? read_by_libpq(place)
                                               : read_by_hiredis(place);
  add(compare(judgement, lying, keys));

  const std::size_t kills = crew.killed() - judgement.counts.own_crashes;
  std::cout << "  commands " << keys << ", kills " << kills << ", torn lines " << log.torn_lines()
            << ", violations " << violations.size() << "\n"
            << to_string(judgement.counts) << std::flush;
  for (std::size_t i = 0; i < violations.size() && i < 20; ++i) UNSCOPED_INFO(violations[i]);
  REQUIRE(violations.empty());
  REQUIRE(crew.failed() == 0);
  return judgement.counts;
}

}  // namespace nexus::idempotency::test
