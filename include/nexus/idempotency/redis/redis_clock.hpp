// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_REDIS_REDIS_CLOCK_HPP
#define NEXUS_IDEMPOTENCY_REDIS_REDIS_CLOCK_HPP

#include <memory>

#include "nexus/idempotency/detail/config.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/redis/redis_store.hpp"
#include "nexus/idempotency/server_clock_options.hpp"
#include "nexus/idempotency/time.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// The time of a Redis server, by its command TIME, over one connection of its own. See
// server_clock_options.hpp. The user needs no permission but `+time`.
//
// One server is asked: the one at the given address, be it a primary, a replica, or a cluster's
// node, whose others are not looked for. Hosts that share a store should all name the same one.
//
// Thread-safety: safe. Not to be used in a child process after fork().
class NEXUS_IDEMPOTENCY_API RedisClock final : public IdempotencyClock {
 public:
  // Connects to nothing yet.
  // `server`: those that a store has will do. Used are host, port, unix_socket, user, password,
  // connect_timeout, command_timeout for each answer, and all about TLS.
  // Errors: InvalidValueError if one of these, or of `options`, is out of its range or can't be
  // used.
  explicit RedisClock(const RedisStoreOptions& server, ServerClockOptions options = {});
  ~RedisClock() override;
  RedisClock(const RedisClock&) = delete;
  RedisClock& operator=(const RedisClock&) = delete;

  // Errors: StoreError as of a RedisIdempotencyStore's read, once the last sample is too old.
  [[nodiscard]] Timestamp now() override;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_REDIS_REDIS_CLOCK_HPP
