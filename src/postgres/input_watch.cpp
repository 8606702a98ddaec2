// SPDX-License-Identifier: MIT
#include "postgres/input_watch.hpp"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <ctime>

#include "nexus/idempotency/errors.hpp"
#include "stores/milliseconds.hpp"

namespace nexus::idempotency::postgres {
namespace {

using stores::Deadline;

// Returns: what a system call returned. Errors: as the constructors.
int checked(int returned) {
  if (returned < 0) {
    throw StoreError(StoreErrc::exhausted, "no file descriptors or watches are left to wait with");
  }
  return returned;
}

void add(int epoll, int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  checked(epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event));
}

// Preconditions: `end` is after the clock's epoch. Its clock is CLOCK_MONOTONIC.
void set(int timer, Deadline end) noexcept {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(end);
  itimerspec at{};
  at.it_value.tv_sec = static_cast<std::time_t>(seconds.time_since_epoch().count());
  at.it_value.tv_nsec = std::chrono::nanoseconds(end - seconds).count();
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, nullptr);
}

}  // namespace

Descriptor::Descriptor(int fd) : fd_(checked(fd)) {}

Descriptor::~Descriptor() {
  close(fd_);
}

InputWatch::InputWatch(int socket)
    : timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
      both_(epoll_create1(EPOLL_CLOEXEC)) {
  add(both_.get(), socket);
  add(both_.get(), timer_.get());
  // As after a wait long ago: the first one finds it run out, and sets it.
  set(timer_.get(), Deadline(std::chrono::nanoseconds(1)));
}

bool InputWatch::has_input() noexcept {
  epoll_event events[2];
  const int ready = epoll_wait(both_.get(), events, 2, 0);
  for (int i = 0; i < ready; ++i) {
    if (events[i].data.fd != timer_.get()) return true;
  }
  return false;
}

bool InputWatch::wait(Deadline deadline) noexcept {
  for (;;) {
    epoll_event event;
    const int ready = epoll_wait(both_.get(), &event, 1, -1);
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0 || event.data.fd != timer_.get()) return ready > 0;
    // The timer ran out, which is set to the deadline of this call or of an earlier one.
    if (std::chrono::steady_clock::now() >= deadline) return has_input();
    set(timer_.get(), deadline);
  }
}

}  // namespace nexus::idempotency::postgres
