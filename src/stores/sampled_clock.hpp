// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_STORES_SAMPLED_CLOCK_HPP
#define NEXUS_IDEMPOTENCY_STORES_SAMPLED_CLOCK_HPP

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <utility>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/server_clock_options.hpp"
#include "nexus/idempotency/time.hpp"

namespace nexus::idempotency::stores {

// A server's time between samples of it. See server_clock_options.hpp for what it promises.
class SampledClock {
 public:
  using Ask = std::function<Timestamp()>;    // asks the server; throws StoreError
  using Steady = std::function<Duration()>;  // since some moment, never back

  SampledClock(Ask ask, ServerClockOptions options, Steady steady = &host_steady)
      : ask_(std::move(ask)), options_(checked(options)), steady_(std::move(steady)) {}

  [[nodiscard]] Timestamp now() {
    Duration at = steady_();
    if (is_fresh(at)) return server_time(at);
    {
      std::unique_lock lock(asking_, std::defer_lock);
      // Whoever can do with the last sample does not wait for the one who asks.
      if (is_usable(at)) {
        if (!lock.try_lock()) return server_time(at);
      } else {
        lock.lock();
      }
      at = steady_();  // it may have taken long, and another may have asked meanwhile
      if (!is_fresh(at) && (at >= next_attempt_ || !is_usable(at))) sample_or_use_last();
    }
    return server_time(steady_());
  }

 private:
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::min();

  static Duration host_steady() {
    return std::chrono::duration_cast<Duration>(
        std::chrono::steady_clock::now().time_since_epoch());
  }

  static ServerClockOptions checked(const ServerClockOptions& options) {
    for (const Duration time : {options.sample_interval, options.max_age, options.max_round_trip}) {
      if (time <= Duration::zero()) {
        throw InvalidValueError("ServerClockOptions: every time must be more than zero");
      }
    }
    if (options.sample_interval > options.max_age) {
      throw InvalidValueError("ServerClockOptions: sample_interval must be at most max_age");
    }
    return options;
  }

  [[nodiscard]] bool is_younger(Duration at, Duration age) const noexcept {
    const std::int64_t sampled = sampled_at_.load(std::memory_order_acquire);
    return sampled != never && at - Duration(sampled) < age;
  }
  [[nodiscard]] bool is_fresh(Duration at) const noexcept {
    return is_younger(at, options_.sample_interval);
  }
  [[nodiscard]] bool is_usable(Duration at) const noexcept {
    return is_younger(at, options_.max_age);
  }
  [[nodiscard]] Timestamp server_time(Duration at) const noexcept {
    return Timestamp(at + Duration(offset_.load(std::memory_order_relaxed)));
  }

  // Preconditions: asking_ is held.
  void sample_or_use_last() {
    try {
      sample();
    } catch (...) {
      const Duration at = steady_();
      next_attempt_ = at + std::chrono::seconds(1);
      if (!is_usable(at)) throw;
    }
  }

  void sample() {
    constexpr int attempts = 3;
    for (int i = 0; i < attempts; ++i) {
      const Duration before = steady_();
      const Timestamp server = ask_();
      const Duration after = steady_();
      if (after - before > options_.max_round_trip) continue;
      const Duration middle = before + (after - before) / 2;
      // In this order: who sees the time of the sample sees its offset too.
      offset_.store((server.time_since_epoch() - middle).count(), std::memory_order_relaxed);
      sampled_at_.store(middle.count(), std::memory_order_release);
      return;
    }
    throw StoreError(StoreErrc::unavailable, "the server's time takes too long to arrive");
  }

  const Ask ask_;
  const ServerClockOptions options_;
  const Steady steady_;
  std::atomic<std::int64_t> offset_{0};          // from the steady clock to the server's
  std::atomic<std::int64_t> sampled_at_{never};  // by the steady clock
  std::mutex asking_;
  Duration next_attempt_{Duration::min()};  // after a failure; guarded by asking_
};

}  // namespace nexus::idempotency::stores

#endif  // NEXUS_IDEMPOTENCY_STORES_SAMPLED_CLOCK_HPP
