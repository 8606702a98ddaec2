// SPDX-License-Identifier: MIT
#include "nexus/idempotency/redis/redis_clock.hpp"

#include <hiredis/hiredis.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/redis/redis_store.hpp"
#include "nexus/idempotency/server_clock_options.hpp"
#include "nexus/idempotency/time.hpp"
#include "redis/access.hpp"
#include "redis/commands.hpp"
#include "redis/connection.hpp"
#include "redis/faults.hpp"
#include "redis/hiredis.hpp"
#include "stores/milliseconds.hpp"
#include "stores/sampled_clock.hpp"

namespace nexus::idempotency {
inline namespace v0 {

namespace {

std::int64_t read_number(const redisReply& reply, std::int64_t most) {
  std::int64_t value = -1;
  if (reply.type == REDIS_REPLY_STRING) {
    const std::string_view text = redis::text_of(reply);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) value = -1;
  }
  if (value < 0 || value > most) throw redis::unexpected_answer();
  return value;
}

// TIME answers with the seconds since 1970, and the microseconds beyond them.
Timestamp read_time(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 2) throw redis::unexpected_answer();
  constexpr std::int64_t second = 1'000'000;
  const std::int64_t seconds = read_number(*reply.element[0], Duration::max().count() / second - 1);
  return Timestamp(std::chrono::seconds(seconds) +
                   Duration(read_number(*reply.element[1], second - 1)));
}

}  // namespace

class RedisClock::Impl {
 public:
  Impl(const RedisStoreOptions& server, ServerClockOptions options)
      : clock([this] { return ask(); }, options), access_(server) {
    question_.add({"TIME"});
  }

  stores::SampledClock clock;

 private:
  // One thread at a time.
  Timestamp ask() {
    if (!connection_ || !connection_->is_alive()) {
      connection_.reset();
      redis::Access::Opened opened = access_.open(access_.address(), question_);
      connection_ = std::move(opened.connection);
      return read_time(*opened.last);
    }
    const auto timeout = stores::milliseconds_up(access_.options().command_timeout);
    const std::vector<redis::Reply> replies =
        connection_->run(question_, stores::deadline_in(timeout));
    if (replies.empty()) {
      connection_.reset();
      throw redis::connection_lost(redis::Effect::none);
    }
    const redis::Reply& reply = replies.front();
    if (redis::is_error(reply)) throw redis::server_error(redis::text_of(*reply));
    return read_time(*reply);
  }

  const redis::Access access_;
  redis::Commands question_;
  std::unique_ptr<redis::Connection> connection_;
};

RedisClock::RedisClock(const RedisStoreOptions& server, ServerClockOptions options)
    : impl_(std::make_unique<Impl>(server, options)) {}

RedisClock::~RedisClock() = default;

Timestamp RedisClock::now() {
  return impl_->clock.now();
}

}  // namespace v0
}  // namespace nexus::idempotency
