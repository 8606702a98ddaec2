// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_SQLITE_FAIR_LOCK_HPP
#define NEXUS_IDEMPOTENCY_SQLITE_FAIR_LOCK_HPP

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "sqlite/patience.hpp"

namespace nexus::idempotency::sqlite {

// A lock for what takes tens of microseconds or more. A thread that comes along just when it is
// free takes it, whoever sleeps: that is fast, as nobody has to be woken first. But once the one
// who waits longest has waited for `enough`, it is handed over to that one, so nobody starves.
class FairLock {
 public:
  FairLock() = default;
  FairLock(const FairLock&) = delete;
  FairLock& operator=(const FairLock&) = delete;

  // Returns: whether the lock was had before patience ran out.
  [[nodiscard]] bool lock(Patience& patience) {
    std::unique_lock guard(mutex_);
    if (!taken_) {
      taken_ = true;
      return true;
    }
    Waiter me{Patience::Clock::now()};
    enqueue(me);
    const auto end = patience.end();
    while (taken_ && !me.handed_over) {
      if (me.wake.wait_until(guard, end) == std::cv_status::timeout) break;
    }
    if (me.handed_over) return true;  // taken out of the queue by whoever handed it over
    remove(me);
    if (!taken_) {
      taken_ = true;
      return true;
    }
    return false;
  }

  void unlock() noexcept {
    const std::lock_guard guard(mutex_);
    Waiter* const first = first_;
    if (first != nullptr && Patience::Clock::now() - first->since >= enough) {
      remove(*first);
      first->handed_over = true;  // and taken_ stays
      first->wake.notify_one();
      return;
    }
    taken_ = false;
    if (first != nullptr) first->wake.notify_one();
  }

 private:
  static constexpr std::chrono::milliseconds enough{1};

  struct Waiter {
    explicit Waiter(Patience::Clock::time_point now) noexcept : since(now) {}
    const Patience::Clock::time_point since;
    std::condition_variable wake;
    bool handed_over = false;
    Waiter* previous = nullptr;
    Waiter* next = nullptr;
  };

  void enqueue(Waiter& waiter) noexcept {
    waiter.previous = last_;
    (last_ != nullptr ? last_->next : first_) = &waiter;
    last_ = &waiter;
  }

  void remove(Waiter& waiter) noexcept {
    (waiter.previous != nullptr ? waiter.previous->next : first_) = waiter.next;
    (waiter.next != nullptr ? waiter.next->previous : last_) = waiter.previous;
  }

  std::mutex mutex_;
  bool taken_ = false;
  Waiter* first_ = nullptr;  // in the order of their coming
  Waiter* last_ = nullptr;
};

}  // namespace nexus::idempotency::sqlite

#endif  // NEXUS_IDEMPOTENCY_SQLITE_FAIR_LOCK_HPP
