// SPDX-License-Identifier: MIT
#include <memory>

#include "nexus/idempotency/redis/redis_store.hpp"
#include "redis/address.hpp"
#include "redis/caller.hpp"
#include "redis/faults.hpp"
#include "redis/hiredis.hpp"
#include "redis/request.hpp"
#include "redis/server.hpp"

namespace nexus::idempotency::redis {
namespace {

class ServerCaller final : public Caller {
 public:
  explicit ServerCaller(const RedisStoreOptions& options)
      : options_(options),
        server_(Address{options.host, options.port, options.unix_socket}, options_) {}

  Reply call(const Request& request) override {
    Reply reply = server_.run(request);
    if (is_error(reply)) throw server_error(text_of(*reply));
    return reply;
  }

 private:
  const RedisStoreOptions options_;
  Server server_;
};

}  // namespace

std::unique_ptr<Caller> make_server_caller(const RedisStoreOptions& options) {
  return std::make_unique<ServerCaller>(options);
}

}  // namespace nexus::idempotency::redis
