// SPDX-License-Identifier: MIT
#include "nexus/idempotency/testing/manual_clock.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/time.hpp"
#include "support/catch.hpp"

using namespace nexus::idempotency;
using namespace std::chrono_literals;
using testing::ManualClock;

TEST_CASE("a manual clock stands still until it is moved") {
  ManualClock clock{Timestamp{5s}};
  IdempotencyClock& port = clock;
  CHECK(port.now() == Timestamp{5s});
  CHECK(port.now() == Timestamp{5s});
  clock.advance(1us);
  CHECK(port.now() == Timestamp{5'000'001us});
  clock.advance(-2s);
  CHECK(port.now() == Timestamp{3'000'001us});
}

TEST_CASE("a manual clock can be set, also to an earlier time and to one before 1970") {
  ManualClock clock{Timestamp{5s}};
  clock.set(Timestamp{9s});
  CHECK(clock.now() == Timestamp{9s});
  clock.set(Timestamp{-1us});
  CHECK(clock.now() == Timestamp{-1us});
}

TEST_CASE("a manual clock stops at the ends of the range") {
  ManualClock clock{Timestamp::max() - 1us};
  clock.advance(1h);
  CHECK(clock.now() == Timestamp::max());
  clock.set(Timestamp::min() + 1us);
  clock.advance(-1h);
  CHECK(clock.now() == Timestamp::min());
}

TEST_CASE("no move of a manual clock is lost between threads") {
  // Each thread goes on until all of them have made their share, so that they do run side by side.
  constexpr int share = 400000;
  ManualClock clock{Timestamp{}};
  std::atomic<int> unfinished = 4;
  std::vector<std::int64_t> moves(4);
  std::vector<std::thread> threads;
  for (std::int64_t& mine : moves) {
    threads.emplace_back([&clock, &unfinished, &mine] {
      std::int64_t made = 0;
      while (unfinished > 0) {
        clock.advance(1us);
        if (++made == share) --unfinished;
      }
      mine = made;
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::int64_t total = 0;
  for (const std::int64_t each : moves) total += each;
  CHECK(clock.now().time_since_epoch().count() == total);
}
