// SPDX-License-Identifier: MIT
// Waiting for input by itself: what ends a wait, and what doesn't.
#include "postgres/input_watch.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>

#include "nexus/idempotency/errors.hpp"
#include "stores/milliseconds.hpp"
#include "support/catch.hpp"
#include "unit/postgres/descriptors.hpp"

namespace {

std::atomic<int> waits_begun{0};
std::atomic<int> timers_set{0};

}  // namespace

// In place of the C library's.
extern "C" int epoll_wait(int epoll, epoll_event* events, int size, int timeout) {
  ++waits_begun;
  return static_cast<int>(syscall(SYS_epoll_pwait, epoll, events, size, timeout, nullptr, 0));
}

extern "C" int timerfd_settime(int timer, int flags, const itimerspec* at,
                               itimerspec* before) noexcept {
  ++timers_set;
  return static_cast<int>(syscall(SYS_timerfd_settime, timer, flags, at, before));
}

namespace {

using namespace nexus::idempotency;
using namespace std::chrono_literals;
using postgres::InputWatch;
using stores::Deadline;
using stores::deadline_in;
using test::NoMoreDescriptors;
using test::open_descriptors;

// The two ends of a connection.
class Pair {
 public:
  Pair() { REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()) == 0); }
  ~Pair() {
    close(ends_[0]);
    close_other();
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  [[nodiscard]] int socket() const { return ends_[0]; }
  // Of the other end.
  void say_something() const { REQUIRE(write(ends_[1], "x", 1) == 1); }
  void close_other() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }
  void take() const {
    char byte;
    REQUIRE(read(ends_[0], &byte, 1) == 1);
  }

 private:
  std::array<int, 2> ends_;
};

bool is_over(Deadline deadline) {
  return std::chrono::steady_clock::now() >= deadline;
}

}  // namespace

TEST_CASE("input ends a wait, be it there before or come meanwhile") {
  const Pair pair;
  InputWatch watch(pair.socket());
  pair.say_something();
  CHECK(watch.wait(deadline_in(1min)));
  CHECK(watch.wait(deadline_in(1min)));  // it is still there
  pair.take();

  std::thread late([&] {
    std::this_thread::sleep_for(20ms);
    pair.say_something();
  });
  CHECK(watch.wait(deadline_in(1min)));
  late.join();
}

TEST_CASE("a wait without input lasts until its deadline, each anew") {
  const Pair pair;
  InputWatch watch(pair.socket());
  for (const std::chrono::milliseconds time : {20ms, 1ms, 50ms, 0ms}) {
    // Not before that of the wait before, which is over.
    const Deadline deadline = deadline_in(time);
    CHECK_FALSE(watch.wait(deadline));
    CHECK(is_over(deadline));
  }
}

TEST_CASE("a deadline that passed between two waits ends neither") {
  const Pair pair;
  InputWatch watch(pair.socket());
  pair.say_something();
  const Deadline first = deadline_in(10ms);
  CHECK(watch.wait(first));
  pair.take();
  while (!is_over(first)) std::this_thread::sleep_for(1ms);

  SECTION("with input") {
    pair.say_something();
    CHECK(watch.wait(deadline_in(1min)));
  }
  SECTION("without") {
    const Deadline second = deadline_in(30ms);
    CHECK_FALSE(watch.wait(second));
    CHECK(is_over(second));
  }
}

TEST_CASE("waits that end by input set the timer once, and none of them spins") {
  const Pair pair;
  InputWatch watch(pair.socket());
  const int set_before = timers_set;
  const int begun_before = waits_begun;
  for (int i = 0; i < 1000; ++i) {
    pair.say_something();
    CHECK(watch.wait(deadline_in(1min)));
    pair.take();
  }
  CHECK(timers_set - set_before <= 1);
  CHECK(waits_begun - begun_before <= 1001);
}

TEST_CASE("a wait sleeps until its deadline, also if the timer has run out before") {
  const Pair pair;
  InputWatch watch(pair.socket());
  for (int i = 0; i < 3; ++i) {
    const int begun_before = waits_begun;
    CHECK_FALSE(watch.wait(deadline_in(20ms)));
    CHECK(waits_begun - begun_before <= 10);  // the timer's end, the deadline, a look
  }
}

TEST_CASE("input that is there counts, although the deadline has passed") {
  const Pair pair;
  InputWatch watch(pair.socket());
  pair.say_something();
  CHECK(watch.wait(deadline_in(0ms)));
}

TEST_CASE("a look does not wait, and takes only input for some") {
  Pair pair;
  InputWatch watch(pair.socket());
  CHECK_FALSE(watch.has_input());  // although the timer has run out
  CHECK_FALSE(watch.wait(deadline_in(1ms)));
  CHECK_FALSE(watch.has_input());
  pair.say_something();
  CHECK(watch.has_input());
  pair.take();
  CHECK_FALSE(watch.has_input());
  pair.close_other();
  CHECK(watch.has_input());
  CHECK(watch.wait(deadline_in(1min)));
}

TEST_CASE("signals end no wait") {
  struct sigaction ignored {};
  ignored.sa_handler = [](int) {};  // without SA_RESTART
  struct sigaction before {};
  REQUIRE(sigaction(SIGUSR1, &ignored, &before) == 0);
  const Pair pair;
  InputWatch watch(pair.socket());
  std::atomic<bool> over{false};
  std::thread disturber([&over, waiting = pthread_self()] {
    while (!over) {
      pthread_kill(waiting, SIGUSR1);
      std::this_thread::sleep_for(1ms);
    }
  });
  const Deadline deadline = deadline_in(50ms);
  CHECK_FALSE(watch.wait(deadline));
  CHECK(is_over(deadline));
  over = true;
  disturber.join();
  sigaction(SIGUSR1, &before, nullptr);
}

TEST_CASE("without descriptors: exhausted, and none is kept") {
  const Pair pair;
  const std::size_t before = open_descriptors();
  for (const rlim_t spare : {rlim_t{0}, rlim_t{1}}) {
    const NoMoreDescriptors limit(spare);
    try {
      const InputWatch watch(pair.socket());
      FAIL("it was made");
    } catch (const StoreError& error) {
      CHECK(error.code() == StoreErrc::exhausted);
    }
  }
  CHECK(open_descriptors() == before);
  { const InputWatch watch(pair.socket()); }
  CHECK(open_descriptors() == before);
}
