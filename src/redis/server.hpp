// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_REDIS_SERVER_HPP
#define NEXUS_IDEMPOTENCY_REDIS_SERVER_HPP

// One server, and the connections to it.

#include <chrono>
#include <memory>

#include "nexus/idempotency/redis/redis_store.hpp"
#include "redis/access.hpp"
#include "redis/address.hpp"
#include "redis/connection.hpp"
#include "redis/hiredis.hpp"
#include "redis/request.hpp"
#include "stores/pool.hpp"

namespace nexus::idempotency::redis {

// Thread-safety: safe.
class Server {
 public:
  // Lifetimes: `access` is borrowed.
  Server(Address address, const Access& access);

  [[nodiscard]] const Address& address() const noexcept { return address_; }

  // Effects: executes it. `asking`: although the server does not have the key's slot yet.
  // Returns: the answer; if it is an error, nothing was done.
  // Errors: StoreError if there is no answer, or too few replicas have what it rests on.
  [[nodiscard]] Reply run(const Request& request, bool asking = false);

  // Returns: the answer to CLUSTER SLOTS. Errors: StoreError.
  [[nodiscard]] Reply cluster_slots();

 private:
  using Pool = stores::Pool<Connection>;

  [[nodiscard]] std::unique_ptr<Connection> connect() const;
  [[nodiscard]] Reply run_on(Pool::Lease& lease, const Request& request, bool asking,
                             bool with_text);
  void check_replicas(const redisReply& answer) const;

  const Address address_;
  const Access& access_;
  const RedisStoreOptions& options_;
  const std::chrono::milliseconds answer_timeout_;
  Pool pool_;
};

}  // namespace nexus::idempotency::redis

#endif  // NEXUS_IDEMPOTENCY_REDIS_SERVER_HPP
