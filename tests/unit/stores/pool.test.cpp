// SPDX-License-Identifier: MIT
#include "stores/pool.hpp"

#include <atomic>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "support/catch.hpp"
#include "support/store_error.hpp"

namespace {

using namespace nexus::idempotency;
using namespace std::chrono_literals;

// How many there are and were.
struct Counts {
  std::atomic<int> open{0};
  std::atomic<int> made{0};
};

class Connection {
 public:
  explicit Connection(Counts& counts) : counts_(counts), number(++counts.made) { ++counts_.open; }
  ~Connection() { --counts_.open; }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] bool is_alive() const { return alive; }

 private:
  Counts& counts_;

 public:
  const int number;  // the first that was made is 1
  bool alive = true;
  std::atomic<int> users{0};
};

using Pool = stores::Pool<Connection>;

Pool::Connect connect_to(Counts& counts) {
  return [&counts] { return std::make_unique<Connection>(counts); };
}

}  // namespace

TEST_CASE("the connection that was used last is taken first") {
  Counts counts;
  Pool pool(3, 1min, connect_to(counts));
  {
    Pool::Lease first = pool.take();
    Pool::Lease second = pool.take();
    CHECK(first.connection().number == 1);
    CHECK(second.connection().number == 2);
  }  // the second goes back first, the first last
  for (int i = 0; i < 3; ++i) CHECK(pool.take().connection().number == 1);
  CHECK(counts.made == 2);
}

TEST_CASE("a thread gets the connection that it had before") {
  Counts counts;
  Pool pool(3, 1min, connect_to(counts));
  std::optional<Pool::Lease> mine(std::in_place, pool);
  std::promise<void> given_back;
  std::thread other([&] {
    const Pool::Lease lease(pool);
    given_back.get_future().wait();
  });
  while (counts.made < 2) std::this_thread::yield();
  mine.reset();
  given_back.set_value();
  other.join();  // the other one's was used last
  CHECK(pool.take().connection().number == 1);
  CHECK(counts.made == 2);
}

TEST_CASE("a thread without one of its own takes an idle one before any is made") {
  Counts counts;
  Pool pool(3, 1min, connect_to(counts));
  (void)pool.take();
  for (int i = 0; i < 40; ++i) {
    std::thread([&] { (void)pool.take(); }).join();
  }
  CHECK(pool.take().connection().number == 1);
  CHECK(counts.made == 1);
}

TEST_CASE("a thread may give back several, and all of them are taken again") {
  Counts counts;
  Pool pool(3, 1min, connect_to(counts));
  for (int i = 0; i < 3; ++i) {
    const Pool::Lease one(pool);
    const Pool::Lease two(pool);
    const Pool::Lease three(pool);
  }
  CHECK(counts.made == 3);
  CHECK(counts.open == 3);
}

TEST_CASE("no more than the pool's size: whoever comes then waits, at most for its timeout") {
  Counts counts;
  Pool pool(2, 5ms, connect_to(counts));
  std::optional<Pool::Lease> one(std::in_place, pool);
  const Pool::Lease other(pool);
  CHECK(test::store_error([&] { (void)pool.take(); }) == StoreErrc::exhausted);
  one.reset();
  CHECK(pool.take().connection().number == 1);
  CHECK(counts.made == 2);
}

TEST_CASE("whoever waits gets the connection that is given back, or the place of a lost one") {
  const bool lost = GENERATE(false, true);
  Counts counts;
  Pool pool(1, 1min, connect_to(counts));
  std::optional<Pool::Lease> lease(std::in_place, pool);
  auto waiting = std::async(std::launch::async, [&] { return pool.take().connection().number; });
  if (lost) lease->discard();
  lease.reset();
  CHECK(waiting.get() == (lost ? 2 : 1));
  CHECK(counts.open == 1);
}

TEST_CASE("a connection that is given back while another thread begins to wait is not missed") {
  constexpr int rounds = 3'000;
  Counts counts;
  Pool pool(1, 1min, connect_to(counts));
  std::barrier<> both(2);
  std::jthread other([&] {
    for (int i = 0; i < rounds; ++i) {
      both.arrive_and_wait();
      (void)pool.take();  // nothing else happens until it has got it
      both.arrive_and_wait();
    }
  });
  for (int i = 0; i < rounds; ++i) {
    std::optional<Pool::Lease> lease(std::in_place, pool);
    both.arrive_and_wait();
    for (int spin = 0; spin < i % 200; ++spin) std::atomic_signal_fence(std::memory_order_seq_cst);
    lease.reset();
    both.arrive_and_wait();
  }
  CHECK(counts.made == 1);
}

TEST_CASE("threads that take and give back all the time never share a connection") {
  const std::size_t size = GENERATE(1U, 2U, 5U);
  Counts counts;
  std::atomic<int> shared{0};
  Pool pool(size, 1min, connect_to(counts));
  {
    std::vector<std::jthread> crew;
    for (int thread = 0; thread < 5; ++thread) {
      crew.emplace_back([&] {
        for (int i = 0; i < 2'000; ++i) {
          Pool::Lease lease(pool);
          if (lease.connection().users++ != 0) ++shared;
          if (i % 16 == 0) std::this_thread::yield();
          --lease.connection().users;
          if (i % 256 == 255) lease.discard_all();
        }
      });
    }
  }
  CHECK(shared == 0);
  CHECK(counts.open <= static_cast<int>(size));
  std::vector<std::unique_ptr<Pool::Lease>> all;
  for (std::size_t i = 0; i < size; ++i) all.push_back(std::make_unique<Pool::Lease>(pool));
  CHECK(counts.open == static_cast<int>(size));
}

TEST_CASE("a connection that has died while it was idle is replaced") {
  Counts counts;
  Pool pool(1, 5ms, connect_to(counts));
  pool.take().connection().alive = false;
  CHECK(pool.take().connection().number == 2);
  CHECK(counts.open == 1);
}

TEST_CASE("what is discarded is closed and does not come back") {
  Counts counts;
  Pool pool(2, 5ms, connect_to(counts));
  Pool::Lease lease = pool.take();
  lease.discard();
  lease.discard();  // once is enough
  CHECK(counts.open == 0);
  const Pool::Lease second = pool.take();
  const Pool::Lease third = pool.take();
  CHECK(test::store_error([&] { (void)pool.take(); }) == StoreErrc::exhausted);
}

TEST_CASE("discard_all closes the idle ones too, and leaves those in use") {
  Counts counts;
  Pool pool(3, 5ms, connect_to(counts));
  std::optional<Pool::Lease> idle(std::in_place, pool);
  Pool::Lease used = pool.take();
  Pool::Lease broken = pool.take();
  idle.reset();
  broken.discard_all();
  CHECK(counts.open == 1);
  CHECK(used.connection().number == 2);
  const Pool::Lease one = pool.take();
  const Pool::Lease two = pool.take();
  CHECK(test::store_error([&] { (void)pool.take(); }) == StoreErrc::exhausted);
}

TEST_CASE("an attempt to connect that fails takes no place away") {
  int attempts = 0;
  Counts counts;
  Pool pool(1, 5ms, [&]() -> std::unique_ptr<Connection> {
    if (++attempts <= 3) throw StoreError(StoreErrc::unavailable, "not yet");
    return std::make_unique<Connection>(counts);
  });
  for (int i = 0; i < 3; ++i) {
    CHECK(test::store_error([&] { (void)pool.take(); }) == StoreErrc::unavailable);
  }
  CHECK(pool.take().connection().number == 1);
}
