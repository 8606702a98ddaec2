// SPDX-License-Identifier: MIT
#include "stores/sampled_clock.hpp"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "support/catch.hpp"

using namespace nexus::idempotency;
using namespace std::chrono_literals;
using stores::SampledClock;

namespace {

// A server and a host, neither of which knows the other's clock.
struct World {
  std::atomic<Duration> steady{1h};
  std::atomic<Timestamp> server{Timestamp{1'000'000s}};
  Duration there{10ms};  // how long a question is on its way, and an answer
  Duration back{10ms};
  bool down = false;
  int asked = 0;
  ServerClockOptions options;

  void pass(Duration time) {
    steady = steady.load() + time;
    server = server.load() + time;
  }
  // Whether the clock shows what the server's does once it has answered, or that much later.
  bool is_told_by(SampledClock& clock, Duration later = 0s) const {
    const Timestamp told = clock.now();
    return told == server.load() + later;
  }
  SampledClock clock() {
    return SampledClock(
        [this] {
          ++asked;
          if (down) throw StoreError(StoreErrc::unavailable, "down");
          pass(there);
          const Timestamp answer = server;
          pass(back);
          return answer;
        },
        options, [this] { return steady.load(); });
  }
};

}  // namespace

TEST_CASE("the first call asks, later ones don't until the interval is over") {
  World world;
  SampledClock clock = world.clock();
  CHECK(world.is_told_by(clock));
  CHECK(world.asked == 1);
  for (int i = 0; i < 9; ++i) {
    world.pass(1s);
    CHECK(world.is_told_by(clock));
  }
  CHECK(world.asked == 1);
  world.pass(1s);
  CHECK(world.is_told_by(clock));
  CHECK(world.asked == 2);
}

TEST_CASE("a sample is off by at most half of its round trip") {
  World world;
  world.there = 0ms;
  world.back = 100ms;
  SampledClock clock = world.clock();
  CHECK(world.is_told_by(clock, -50ms));
}

TEST_CASE("a sample whose round trip is too long is not used") {
  World world;
  world.back = 1s;
  SampledClock clock = world.clock();
  CHECK_THROWS_AS(clock.now(), StoreError);
  CHECK(world.asked == 3);
  world.back = 10ms;
  CHECK(world.is_told_by(clock));
}

TEST_CASE("without an answer the last sample serves until it is too old, and is replaced then") {
  World world;
  SampledClock clock = world.clock();
  CHECK(world.is_told_by(clock));
  world.down = true;
  world.pass(11s);
  CHECK(world.is_told_by(clock));
  CHECK(world.asked == 2);
  CHECK(world.is_told_by(clock));
  CHECK(world.asked == 2);  // a call a second tries, not every one
  world.pass(1s);
  CHECK(world.is_told_by(clock));
  CHECK(world.asked == 3);

  world.pass(2min);
  CHECK_THROWS_AS(clock.now(), StoreError);
  CHECK_THROWS_AS(clock.now(), StoreError);

  world.down = false;
  CHECK(world.is_told_by(clock));
}

TEST_CASE("a step of the server's clock is followed at the next sample, both ways") {
  for (const Duration step : {Duration(1h), Duration(-1h)}) {
    World world;
    SampledClock clock = world.clock();
    CHECK(world.is_told_by(clock));
    world.server = world.server.load() + step;
    world.pass(5s);
    CHECK(world.is_told_by(clock, -step));
    world.pass(5s);
    CHECK(world.is_told_by(clock));
  }
}

TEST_CASE("while one thread asks, the others go on with the last sample") {
  std::atomic<Duration> steady{1h};
  std::atomic<bool> asking{false};
  std::atomic<bool> may_answer{true};
  std::atomic<int> asked{0};
  SampledClock clock(
      [&] {
        ++asked;
        asking = true;
        while (!may_answer) std::this_thread::yield();
        return Timestamp{};
      },
      {}, [&] { return steady.load(); });
  CHECK(clock.now() == Timestamp{});
  asking = false;
  may_answer = false;
  steady = steady.load() + 15s;
  std::thread asker([&] { CHECK_NOTHROW(clock.now()); });
  while (!asking) std::this_thread::yield();
  CHECK(clock.now() == Timestamp{15s});
  CHECK(asked == 2);
  may_answer = true;
  asker.join();
  CHECK(clock.now() == Timestamp{});
}
