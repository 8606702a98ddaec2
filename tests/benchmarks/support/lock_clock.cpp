// SPDX-License-Identifier: MIT
#include "benchmarks/support/lock_clock.hpp"

#include <dlfcn.h>
#include <pthread.h>
#include <time.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <utility>

namespace nexus::idempotency::benchmarks {
namespace {

struct Clock {
  clockid_t id = CLOCK_MONOTONIC;
  std::size_t depth = 0;
  std::array<double, 4> locked_at{};
  LockHolds holds;
};

thread_local Clock* running = nullptr;
thread_local Clock own;

double now(clockid_t id) noexcept {
  timespec time;
  clock_gettime(id, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

void note(std::vector<double>& holds, double microseconds) noexcept {
  if (holds.size() < holds.capacity()) holds.push_back(microseconds);
}

}  // namespace

void start_lock_clock(LockTime time, std::size_t room) {
  own = {};
  own.id = time == LockTime::wall ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID;
  own.holds.outermost.reserve(room);
  own.holds.nested.reserve(room);
  running = &own;
}

LockHolds stop_lock_clock() {
  running = nullptr;
  return std::exchange(own.holds, {});
}

void locked() noexcept {
  if (running == nullptr) return;
  if (running->depth == running->locked_at.size()) std::abort();
  running->locked_at[running->depth++] = now(running->id);
}

void unlocked() noexcept {
  if (running == nullptr) return;
  const double held = now(running->id) - running->locked_at[--running->depth];
  note(running->depth == 0 ? running->holds.outermost : running->holds.nested, held);
}

namespace {

using MutexFunction = int (*)(pthread_mutex_t*);

MutexFunction next_function(const char* name) noexcept {
  void* found = dlsym(RTLD_NEXT, name);
  if (found == nullptr) std::abort();
  return reinterpret_cast<MutexFunction>(found);
}

}  // namespace
}  // namespace nexus::idempotency::benchmarks

namespace bench = nexus::idempotency::benchmarks;

// Static, not local to the functions: initialising a local may lock a mutex.
static const bench::MutexFunction real_lock = bench::next_function("pthread_mutex_lock");
static const bench::MutexFunction real_unlock = bench::next_function("pthread_mutex_unlock");

extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  // Called before the initialisation above, by that of something else.
  if (real_lock == nullptr) return bench::next_function("pthread_mutex_lock")(mutex);
  const int error = real_lock(mutex);
  if (error == 0) bench::locked();
  return error;
}

extern "C" int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
  if (real_unlock == nullptr) return bench::next_function("pthread_mutex_unlock")(mutex);
  bench::unlocked();
  return real_unlock(mutex);
}
