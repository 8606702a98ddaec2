// SPDX-License-Identifier: MIT
#include "stores/pool.hpp"

#include <atomic>
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
