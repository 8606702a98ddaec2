// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_REDIS_HIREDIS_HPP
#define NEXUS_IDEMPOTENCY_REDIS_HIREDIS_HPP

// Owners of what hiredis hands out.

#include <hiredis/hiredis.h>

#include <memory>
#include <string_view>

namespace nexus::idempotency::redis {

struct FreeContext {
  void operator()(redisContext* context) const noexcept { redisFree(context); }
};
struct FreeReply {
  void operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }
};
using ContextHandle = std::unique_ptr<redisContext, FreeContext>;
using Reply = std::unique_ptr<redisReply, FreeReply>;

[[nodiscard]] inline bool is_error(const Reply& reply) noexcept {
  return reply->type == REDIS_REPLY_ERROR;
}

// Returns: the bytes of a string, status or error.
[[nodiscard]] inline std::string_view text_of(const redisReply& reply) noexcept {
  return {reply.str, reply.len};
}

// Returns: an error's first word, in capitals, by which the kinds of errors are told apart; "" if
// it has none.
[[nodiscard]] inline std::string_view code_of(std::string_view error) noexcept {
  const std::string_view word = error.substr(0, error.find(' '));
  const bool is_one = word.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == word.npos;
  return is_one ? word : std::string_view();
}

}  // namespace nexus::idempotency::redis

#endif  // NEXUS_IDEMPOTENCY_REDIS_HIREDIS_HPP
