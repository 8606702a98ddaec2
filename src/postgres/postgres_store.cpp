// SPDX-License-Identifier: MIT
#include "nexus/idempotency/postgres/postgres_store.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "nexus/idempotency/key.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/time.hpp"
#include "postgres/caller.hpp"
#include "postgres/faults.hpp"
#include "postgres/parameters.hpp"
#include "postgres/row.hpp"
#include "postgres/statements.hpp"
#include "stores/stored_row.hpp"

namespace nexus::idempotency {
inline namespace v0 {

using postgres::Answer;
using postgres::Call;
using postgres::Effect;
using postgres::Parameters;
using stores::microseconds;

namespace {

void add_key(Parameters& parameters, const IdempotencyKey& key) {
  parameters.add_bytes(key.tenant().value());
  parameters.add_bytes(key.operation().value());
  parameters.add_bytes(key.client_key().value());
}

void add_record(Parameters& parameters, const IdempotencyRecord& record) {
  add_key(parameters, record.key);
  parameters.add_smallint(stores::status_number(record.status));
  parameters.add_bytes(record.fingerprint.value());
  parameters.add_bytes(record.attempt_token.value());
  parameters.add_bigint(static_cast<std::int64_t>(record.fence));
  parameters.add_bytes(stores::result_bytes(record.result));
  parameters.add_bigint(microseconds(record.created_at));
  parameters.add_bigint(microseconds(record.last_transition_at));
  parameters.add_bigint(microseconds(record.expires_at));
}

std::optional<IdempotencyRecord> read_record(const Answer& answer, const IdempotencyKey& asked) {
  const auto bytes = answer.value();
  if (!bytes) return std::nullopt;
  return stores::restore(postgres::read_row(*bytes), asked);
}

}  // namespace

class PostgresIdempotencyStore::Impl {
 public:
  explicit Impl(std::unique_ptr<postgres::Caller> made) : caller(std::move(made)) {}
  std::unique_ptr<postgres::Caller> caller;
};

PostgresIdempotencyStore::PostgresIdempotencyStore(const std::string& conninfo,
                                                   PostgresStoreOptions options)
    : impl_(std::make_unique<Impl>(postgres::make_pooled_caller(conninfo, std::move(options)))) {}

PostgresIdempotencyStore::PostgresIdempotencyStore(pg_conn* connection, std::string table)
    : impl_(std::make_unique<Impl>(postgres::make_borrowing_caller(connection, table))) {}

PostgresIdempotencyStore::~PostgresIdempotencyStore() = default;

void PostgresIdempotencyStore::ensure_schema() {
  impl_->caller->ensure_schema();
}

std::optional<IdempotencyRecord> PostgresIdempotencyStore::find(const IdempotencyKey& key) {
  Parameters parameters;
  add_key(parameters, key);
  return read_record(impl_->caller->call(Call::find, parameters, Effect::none), key);
}

ClaimPendingResult PostgresIdempotencyStore::claim_pending(const IdempotencyRecord& candidate) {
  Parameters parameters;
  add_record(parameters, candidate);
  const Answer answer = impl_->caller->call(Call::claim, parameters, Effect::committed);
  return {read_record(answer, candidate.key)};
}

bool PostgresIdempotencyStore::save_if(const WriteGuard& guard, const IdempotencyRecord& next) {
  Parameters parameters;
  parameters.add_bytes(guard.attempt_token.value());
  parameters.add_bytes(guard.fingerprint.value());
  parameters.add_smallint(stores::status_number(guard.status));
  parameters.add_smallint(static_cast<std::int64_t>(guard.lease));
  parameters.add_bigint(microseconds(guard.now));
  add_record(parameters, next);
  const Answer answer = impl_->caller->call(Call::save, parameters, Effect::committed);
  return postgres::read_number<1>(answer.required()) != 0;
}

std::size_t PostgresIdempotencyStore::purge_expired(Timestamp before, std::size_t limit) {
  constexpr std::size_t most_at_once = 1000;
  std::size_t removed = 0;
  while (removed < limit) {
    const std::size_t asked = std::min(limit - removed, most_at_once);
    Parameters parameters;
    parameters.add_bigint(microseconds(before));
    parameters.add_bigint(static_cast<std::int64_t>(asked));
    const Answer answer = impl_->caller->call(Call::purge, parameters, Effect::committed);
    const auto count = static_cast<std::size_t>(postgres::read_number<8>(answer.required()));
    removed += count;
    if (count < asked) break;
  }
  return removed;
}

}  // namespace v0
}  // namespace nexus::idempotency
