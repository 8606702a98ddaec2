// SPDX-License-Identifier: MIT
#include <memory>

#include "nexus/idempotency/redis/redis_store.hpp"
#include "redis/access.hpp"
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
      : access_(options), server_(access_.address(), access_) {}

  Reply call(const Request& request) override {
    Reply reply = server_.run(request);
    if (is_error(reply)) throw server_error(text_of(*reply));
    return reply;
  }

 private:
  const Access access_;
  Server server_;
};

}  // namespace

std::unique_ptr<Caller> make_server_caller(const RedisStoreOptions& options) {
  return std::make_unique<ServerCaller>(options);
}

}  // namespace nexus::idempotency::redis
