// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTING_MANUAL_CLOCK_HPP
#define NEXUS_IDEMPOTENCY_TESTING_MANUAL_CLOCK_HPP

#include <atomic>

#include "nexus/idempotency/detail/config.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/time.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace testing {

// A clock that stands still until a test moves it, so that no test of a lease ever has to wait.
// Thread-safety: safe, also with one object.
class NEXUS_IDEMPOTENCY_API ManualClock final : public IdempotencyClock {
 public:
  explicit ManualClock(Timestamp start) noexcept : ticks_(start.time_since_epoch().count()) {}

  [[nodiscard]] Timestamp now() noexcept override { return Timestamp{Duration{ticks_.load()}}; }

  // Effects: moves the time by `d`, backwards if it is negative; it stops at the ends of the range
  // of Timestamp. Of several concurrent moves, none is lost.
  void advance(Duration d) noexcept {
    Duration::rep before = ticks_.load();
    Duration::rep after;
    do {
      after = saturating_add(Timestamp{Duration{before}}, d).time_since_epoch().count();
    } while (!ticks_.compare_exchange_weak(before, after));
  }

  // Effects: makes it `t`, which may be earlier than now, as when an operator corrects a clock.
  void set(Timestamp t) noexcept { ticks_.store(t.time_since_epoch().count()); }

 private:
  std::atomic<Duration::rep> ticks_;
};

}  // namespace testing
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_TESTING_MANUAL_CLOCK_HPP
