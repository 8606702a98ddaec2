// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_REDIS_ACCESS_HPP
#define NEXUS_IDEMPOTENCY_REDIS_ACCESS_HPP

// How servers are reached: by the options' address or another, always with their user and password.

#include <chrono>
#include <memory>
#include <optional>

#include "nexus/idempotency/redis/redis_store.hpp"
#include "redis/address.hpp"
#include "redis/commands.hpp"
#include "redis/connection.hpp"
#include "redis/hiredis.hpp"
#include "redis/tls.hpp"

namespace nexus::idempotency::redis {

// Thread-safety: safe.
class Access {
 public:
  struct Opened {
    std::unique_ptr<Connection> connection;
    Reply last;  // the answer to the last command; no error
  };

  // Errors: InvalidValueError if an option that is used here is out of its range, or a file of TLS
  // can't be used.
  explicit Access(RedisStoreOptions options);

  [[nodiscard]] const RedisStoreOptions& options() const noexcept { return options_; }

  // Returns: where the options say that a server is.
  [[nodiscard]] Address address() const;

  // Effects: connects, then sends AUTH, if there is a password, and `commands` in one round trip.
  // Preconditions: there is a command: a server with too many connections says so only to one.
  // Errors: StoreError if it isn't all done within connect_timeout, or an answer is an error.
  [[nodiscard]] Opened open(const Address& address, const Commands& commands) const;

 private:
  const RedisStoreOptions options_;
  const std::optional<TlsContext> tls_;
};

}  // namespace nexus::idempotency::redis

#endif  // NEXUS_IDEMPOTENCY_REDIS_ACCESS_HPP
