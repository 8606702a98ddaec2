// SPDX-License-Identifier: MIT
#include "nexus/idempotency/detail/shard_mutex.hpp"

#include <atomic>
#include <barrier>
#include <cstddef>
#include <stdexcept>
#include <thread>

#include "concurrency/crew.hpp"
#include "support/catch.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;
using detail::ReaderNotes;
using detail::ShardMutex;

TEST_CASE("two threads read at the same time") {
  ReaderNotes notes;
  ShardMutex mutex;
  std::barrier both_inside(2);
  run_together(2, [&](std::size_t) { mutex.read(notes, [&] { both_inside.arrive_and_wait(); }); });
}

TEST_CASE("nobody reads while somebody writes, with more threads than notes") {
  ReaderNotes notes;
  ShardMutex mutexes[2];
  // Guarded by the mutex of the same index. A write makes them differ for a moment.
  struct {
    std::size_t first = 0;
    std::size_t second = 0;
  } guarded[2];
  constexpr std::size_t threads = 24;
  constexpr std::size_t rounds = 2000;
  std::atomic<std::size_t> torn{0};
  std::atomic<std::size_t> went_back{0};
  run_together(threads, [&](std::size_t thread) {
    std::size_t seen[2] = {0, 0};
    for (std::size_t round = 0; round < rounds; ++round) {
      const std::size_t which = (thread + round) % 2;
      auto& values = guarded[which];
      if (thread % 8 == 0) {
        const ShardMutex::WriteLock lock(mutexes[which], notes);
        ++values.first;
        if (round % 64 == 0) std::this_thread::yield();
        ++values.second;
        continue;
      }
      const std::size_t now = mutexes[which].read(notes, [&] {
        if (values.first != values.second) ++torn;
        return values.first;
      });
      if (now < seen[which]) ++went_back;
      seen[which] = now;
    }
  });
  CHECK(torn == 0);
  CHECK(went_back == 0);
  CHECK(guarded[0].first + guarded[1].first == threads / 8 * rounds);
}

TEST_CASE("an exception of what is read leaves the mutex free") {
  ReaderNotes notes;
  ShardMutex mutex;
  CHECK_THROWS_AS(mutex.read(notes, [] { throw std::runtime_error("while reading"); }),
                  std::runtime_error);
  ShardMutex::WriteLock lock(mutex, notes);  // would wait for ever
  lock.unlock();
  CHECK(mutex.read(notes, [] { return 1; }) == 1);
}
