// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_SQLITE_PATIENCE_HPP
#define NEXUS_IDEMPOTENCY_SQLITE_PATIENCE_HPP

#include <algorithm>
#include <chrono>
#include <optional>

#include "nexus/idempotency/time.hpp"

namespace nexus::idempotency::sqlite {

// How long one call may still wait, for whatever: threads of this process, then other processes.
// The clock is not read before something has to be waited for.
class Patience {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Patience(Duration limit) noexcept
      : limit_(std::min<Duration>(limit, std::chrono::hours(24 * 365))) {}  // no overflow below

  // Returns: when waiting ends. The first call starts the time.
  [[nodiscard]] Clock::time_point end() noexcept {
    if (!end_) end_ = Clock::now() + limit_;
    return *end_;
  }

 private:
  Duration limit_;
  std::optional<Clock::time_point> end_;
};

}  // namespace nexus::idempotency::sqlite

#endif  // NEXUS_IDEMPOTENCY_SQLITE_PATIENCE_HPP
