// SPDX-License-Identifier: MIT
// The Redis server that a test program has to itself (REDIS in its nexus_idempotency_add_test), and
// commands beside those of the store under test.
#pragma once

#include <hiredis/hiredis.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/idempotency/redis/redis_store.hpp"

namespace nexus::idempotency::test {

// Returns: the value of an environment variable that ctest sets.
inline std::string redis_environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  if (value == nullptr) {
    throw std::runtime_error(std::string(name) +
                             " is not set: run this by ctest, or as an argument of "
                             "`cmake/redis_server.sh`");
  }
  return value;
}

// Returns: the server's socket.
inline std::string redis_socket() {
  return redis_environment("NEXUS_IDEMPOTENCY_REDIS");
}

// Returns: a prefix that no other call gives, in this process or another.
inline std::string fresh_prefix() {
  static std::atomic<int> count{0};
  return "p" + std::to_string(getpid()) + "-" + std::to_string(++count) + ":";
}

// Returns: options for the test's server, with a prefix of their own.
inline RedisStoreOptions redis_options() {
  RedisStoreOptions options;
  options.unix_socket = redis_socket();
  options.prefix = fresh_prefix();
  return options;
}

// A connection of the test's own, for commands written out.
class RedisCli {
 public:
  explicit RedisCli(const std::string& socket = redis_socket())
      : context_(redisConnectUnix(socket.c_str()), &redisFree) {
    check();
  }
  RedisCli(const std::string& host, int port)
      : context_(redisConnect(host.c_str(), port), &redisFree) {
    check();
  }

  // Returns: the answer as text: a number in decimal, nil as "", the parts of an array each with a
  // blank behind it, an error with "!" before it.
  std::string run(const std::vector<std::string>& command) {
    std::vector<const char*> parts;
    std::vector<std::size_t> sizes;
    for (const std::string& part : command) {
      parts.push_back(part.data());
      sizes.push_back(part.size());
    }
    const std::unique_ptr<redisReply, void (*)(redisReply*)> reply(
        static_cast<redisReply*>(redisCommandArgv(context_.get(), static_cast<int>(command.size()),
                                                  parts.data(), sizes.data())),
        [](redisReply* r) { freeReplyObject(r); });
    if (!reply) throw std::runtime_error("redis: " + std::string(context_->errstr));
    return text(*reply);
  }

 private:
  void check() const {
    if (!context_ || context_->err != 0) throw std::runtime_error("no connection to redis");
  }

  static std::string text(const redisReply& reply) {
    switch (reply.type) {
      case REDIS_REPLY_INTEGER:
        return std::to_string(reply.integer);
      case REDIS_REPLY_ERROR:
        return "!" + std::string(reply.str, reply.len);
      case REDIS_REPLY_NIL:
        return "";
      case REDIS_REPLY_ARRAY: {
        std::string all;
        for (std::size_t i = 0; i < reply.elements; ++i) all += text(*reply.element[i]) + " ";
        return all;
      }
      default:
        return {reply.str, reply.len};
    }
  }

  std::unique_ptr<redisContext, decltype(&redisFree)> context_;
};

}  // namespace nexus::idempotency::test
