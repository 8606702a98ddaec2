// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_REDIS_BY_HAND_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_REDIS_BY_HAND_HPP

// What an expert would write for one service with hiredis: a blocking connection per thread, one
// round trip a call, the script called by its hash. The script and the format are the store's.

#include <hiredis/hiredis.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/durable/by_hand.hpp"

namespace nexus::idempotency::benchmarks {

struct RedisCloser {
  void operator()(redisContext* context) const noexcept { redisFree(context); }
  void operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }
};
using RedisAnswer = std::unique_ptr<redisReply, RedisCloser>;

class RedisByHand {
 public:
  RedisByHand(const std::string& socket, std::string prefix);

  // Of all: no two calls at the same time have the same `thread`.

  // Returns: nothing if the key is claimed now; else what is there.
  std::optional<RawRecord> claim(std::size_t thread, const RawClaim& claim);
  // Returns: whether the claim stood, and is completed now.
  bool complete(std::size_t thread, const RawClaim& claim, std::string_view result,
                std::int64_t now, std::int64_t expires_at);
  // Returns: whether the record was still the lapsed one that was judged, and is claimed now.
  bool take_over(std::size_t thread, const RawRecord& judged, const RawClaim& claim);

  // Reads a record.
  std::optional<RawRecord> find(std::size_t thread, const RawClaim& claim);
  // One round trip that asks for nothing.
  void round_trip(std::size_t thread);

  // Any command. Errors: std::runtime_error.
  RedisAnswer run(std::size_t thread, std::initializer_list<std::string_view> command);

 private:
  [[nodiscard]] std::string place(const RawClaim& claim) const;

  std::string prefix_;
  std::vector<std::unique_ptr<redisContext, RedisCloser>> connections_;
};

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_REDIS_BY_HAND_HPP
