// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_POSTGRES_POSTGRES_CLOCK_HPP
#define NEXUS_IDEMPOTENCY_POSTGRES_POSTGRES_CLOCK_HPP

#include <chrono>
#include <memory>
#include <string>

#include "nexus/idempotency/detail/config.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/server_clock_options.hpp"
#include "nexus/idempotency/time.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// The time of a PostgreSQL server, over one connection of its own. See server_clock_options.hpp.
// Thread-safety: safe. Not to be used in a child process after fork().
class NEXUS_IDEMPOTENCY_API PostgresClock final : public IdempotencyClock {
 public:
  // Connects to nothing yet.
  // `conninfo`: what libpq takes. It is in no message.
  // `timeout`: how long connecting, and each answer, may take; more than zero.
  // Errors: InvalidValueError if an option is out of its range; StoreErrc::misconfigured if libpq
  // can't parse `conninfo`.
  explicit PostgresClock(const std::string& conninfo, ServerClockOptions options = {},
                         Duration timeout = std::chrono::seconds(2));
  ~PostgresClock() override;
  PostgresClock(const PostgresClock&) = delete;
  PostgresClock& operator=(const PostgresClock&) = delete;

  // Errors: StoreError as of a PostgresIdempotencyStore's read, once the last sample is too old.
  [[nodiscard]] Timestamp now() override;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_POSTGRES_POSTGRES_CLOCK_HPP
