// SPDX-License-Identifier: MIT
// A server that is killed and restarted in the middle of the load, while workers are killed too.
// Some of them live through all of it: they get on without a restart of theirs. See load.hpp for
// what it shows.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "crash/crew.hpp"
#include "crash/event.hpp"
#include "crash/load.hpp"
#include "crash/log.hpp"
#include "support/catch.hpp"

namespace nexus::idempotency::test {

inline constexpr std::size_t spared = 4;  // the workers 1 to 4

// Returns: which of the spared workers have got an answer from the store since the last restart.
inline std::set<std::uint32_t> back_at_work(const std::vector<Event>& events) {
  std::set<std::uint32_t> workers;
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    if (event->what == What::server_ready) break;
    const bool answered = event->what >= What::executed && event->what <= What::refused;
    if (answered && event->worker >= 1 && event->worker <= spared) workers.insert(event->worker);
  }
  return workers;
}

inline Event server_event(What what) {
  Event event;
  event.what = what;
  return event;
}

// `server` has crash() and again().
template <class Server>
void many_server_crashes(const Stage& stage, Server& server, const std::string& engine,
                         const std::string& place) {
  using namespace std::chrono_literals;
  LogWriter log(stage.log);
  LogReader reader(stage.log);
  Orders orders = stage.orders(engine, place);
  orders.own_crashes = 15;
  orders.rate = 40;
  Crew crew(orders, stage.seed);
  crew.start_spared(spared);
  crew.start(6);

  std::mt19937_64 random(stage.seed + 1);
  const std::size_t restarts = std::max<std::size_t>(scaled(21), 3);
  for (std::size_t i = 0; i < restarts; ++i) {
    for (std::size_t kills = 10 + random() % 20; kills > 0; --kills) crew.kill_one(gap(12ms));
    server.crash();
    log.add(server_event(What::server_down));
    for (std::size_t kills = random() % 4; kills > 0; --kills) crew.kill_one(gap(12ms));
    server.again();
    log.add(server_event(What::server_ready));
    // No matter how long it takes, as long as they come by themselves.
    for (int tries = 0; tries < 6000 && back_at_work(reader.read()).size() < spared; ++tries) {
      std::this_thread::sleep_for(10ms);
    }
    REQUIRE(back_at_work(reader.read()).size() == spared);
  }
  crew.stop();
  crew.settle(2, keys_in(reader.read()));

  const Counts counts = require_no_violation(stage, crew, engine, place);
  CHECK(counts.server_restarts == restarts);
  CHECK(crew.killed() - counts.own_crashes >= restarts * 10);
  CHECK(counts.in_doubt >= restarts);
  CHECK(counts.unavailable >= restarts);
  CHECK(counts.takeovers >= restarts);
  CHECK(counts.completed >= restarts * 5);
}

}  // namespace nexus::idempotency::test
