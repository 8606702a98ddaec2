// SPDX-License-Identifier: MIT
#include "nexus/idempotency/redis/redis_store.hpp"

#include <hiredis/hiredis.h>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/key.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/time.hpp"
#include "redis/caller.hpp"
#include "redis/faults.hpp"
#include "redis/hiredis.hpp"
#include "redis/lua.hpp"
#include "redis/packed.hpp"
#include "redis/request.hpp"
#include "redis/require.hpp"
#include "stores/stored_row.hpp"

namespace nexus::idempotency {
inline namespace v0 {

namespace {

// What is needed to reach a server is checked by redis::Access.
void check_options(const RedisStoreOptions& options) {
  using redis::require;
  constexpr std::size_t longest_prefix = 256;
  require(options.pool_size > 0, "pool_size must be at least 1");
  for (const Duration time :
       {options.retention_grace, options.wait_timeout, options.pool_timeout}) {
    require(time > Duration::zero(), "every duration must be more than zero");
  }
  require(options.wait_replicas >= 0, "wait_replicas must not be negative");
  require(options.database >= 0, "database must not be negative");
  require(options.prefix.size() <= longest_prefix, "prefix is too long");
  if (options.cluster) {
    require(options.database == 0, "a cluster has only database 0");
    require(options.unix_socket.empty(), "a cluster is reached by host and port");
  }
}

std::unique_ptr<redis::Caller> make_caller(const RedisStoreOptions& options) {
  check_options(options);
  return options.cluster ? redis::make_cluster_caller(options) : redis::make_server_caller(options);
}

// Returns: the record in an answer, which is nil if there is none.
std::optional<IdempotencyRecord> read_record(const redisReply& answer, const IdempotencyKey& key) {
  if (answer.type == REDIS_REPLY_NIL) return std::nullopt;
  if (answer.type != REDIS_REPLY_STRING) throw redis::unexpected_answer();
  return redis::unpack(redis::text_of(answer), key);
}

}  // namespace

class RedisIdempotencyStore::Impl {
 public:
  explicit Impl(const RedisStoreOptions& options)
      : prefix(options.prefix),
        retention_grace(options.retention_grace),
        caller(make_caller(options)) {}

  [[nodiscard]] std::string place_of(const IdempotencyKey& key) const {
    return prefix + std::string(key.encoded());
  }
  [[nodiscard]] std::string time_kept(const IdempotencyRecord& record) const {
    const auto kept = redis::milliseconds_kept(record, retention_grace);
    return kept ? std::to_string(*kept) : std::string();
  }

  std::optional<IdempotencyRecord> find(const IdempotencyKey& key, redis::Effect effect) {
    const std::string place = place_of(key);
    const redis::Reply answer = caller->call(redis::Request("GET", place, {}, effect));
    return read_record(*answer, key);
  }

  // Returns: what is there already.
  std::optional<IdempotencyRecord> claim(const IdempotencyRecord& candidate) {
    const std::string place = place_of(candidate.key);
    const redis::PackedRecord record(candidate);
    const std::string kept = time_kept(candidate);
    const std::array<std::string_view, 5> arguments{record.whole(), "NX", "GET", "PX", kept};
    const std::size_t count = kept.empty() ? 3 : 5;
    const redis::Reply answer = caller->call(redis::Request(
        "SET", place, redis::Request::Arguments(arguments).first(count), redis::Effect::written));
    return read_record(*answer, candidate.key);
  }

  const std::string prefix;
  const Duration retention_grace;
  const std::unique_ptr<redis::Caller> caller;
};

RedisIdempotencyStore::RedisIdempotencyStore(RedisStoreOptions options)
    : impl_(std::make_unique<Impl>(options)) {}

RedisIdempotencyStore::~RedisIdempotencyStore() = default;

std::optional<IdempotencyRecord> RedisIdempotencyStore::find(const IdempotencyKey& key) {
  return impl_->find(key, redis::Effect::none);
}

ClaimPendingResult RedisIdempotencyStore::claim_pending(const IdempotencyRecord& candidate) {
  try {
    return {impl_->claim(candidate)};
  } catch (const StoreError& error) {
    // The command is refused as a write, even if there is a record and nothing to be written.
    if (!redis::is_state_of_writing(error.native_code())) throw;
    // As a write, so that replicas are waited for.
    std::optional<IdempotencyRecord> existing = impl_->find(candidate.key, redis::Effect::written);
    if (!existing) throw;
    return {std::move(existing)};
  }
}

bool RedisIdempotencyStore::save_if(const WriteGuard& guard, const IdempotencyRecord& next) {
  const std::string head = redis::packed_head(guard.status, guard.attempt_token, guard.fingerprint);
  const std::string now = std::to_string(stores::microseconds(guard.now));
  const redis::PackedRecord record(next);
  const std::string kept = impl_->time_kept(next);
  // The stored record is as the guard says, or nothing is written.
  const bool is_renewal = guard.status == RecordStatus::pending &&
                          next.status == RecordStatus::pending &&
                          guard.attempt_token == next.attempt_token;
  const std::array<std::string_view, 8> arguments{
      head,          to_string(guard.lease), now,          kept, record.whole(),
      record.head(), record.deadline(),      record.rest()};
  const std::size_t count = is_renewal ? 8 : 5;
  const redis::Reply answer = impl_->caller->call(
      redis::Request(redis::save_script, impl_->place_of(next.key),
                     redis::Request::Arguments(arguments).first(count), redis::Effect::written));
  if (answer->type != REDIS_REPLY_INTEGER) throw redis::unexpected_answer();
  return answer->integer == 1;
}

std::size_t RedisIdempotencyStore::purge_expired(Timestamp /*before*/, std::size_t /*limit*/) {
  return 0;
}

}  // namespace v0
}  // namespace nexus::idempotency
