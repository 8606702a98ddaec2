// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_REDIS_CALLER_HPP
#define NEXUS_IDEMPOTENCY_REDIS_CALLER_HPP

// Who executes the calls: on one server, or on a cluster's nodes.

#include <memory>

#include "nexus/idempotency/redis/redis_store.hpp"
#include "redis/hiredis.hpp"
#include "redis/request.hpp"

namespace nexus::idempotency::redis {

class Caller {
 public:
  virtual ~Caller() = default;

  // Returns: the answer, which is no error.
  // Errors: StoreError.
  [[nodiscard]] virtual Reply call(const Request& request) = 0;
};

[[nodiscard]] std::unique_ptr<Caller> make_server_caller(const RedisStoreOptions& options);
[[nodiscard]] std::unique_ptr<Caller> make_cluster_caller(const RedisStoreOptions& options);

}  // namespace nexus::idempotency::redis

#endif  // NEXUS_IDEMPOTENCY_REDIS_CALLER_HPP
