// SPDX-License-Identifier: MIT
// Records for the tests of the SQLite store, and stores that are ready for use.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/sqlite/sqlite_store.hpp"
#include "unit/sqlite/scratch.hpp"

namespace nexus::idempotency::test {

inline constexpr Timestamp base{std::chrono::seconds{1'700'000'000}};

inline IdempotencyKey sample_key(std::string_view client_key) {
  return {TenantId("tenant"), OperationRef("operation"), ClientKey(client_key)};
}

inline IdempotencyRecord pending(std::string_view client_key = "key",
                                 std::string_view token = "token-1") {
  return {sample_key(client_key),
          RecordStatus::pending,
          RequestFingerprint("fingerprint"),
          AttemptToken(token),
          1,
          std::nullopt,
          base,
          base,
          base + std::chrono::minutes(15)};
}

inline IdempotencyRecord completed(IdempotencyRecord record, std::string_view result = "result") {
  record.status = RecordStatus::completed;
  record.result = ResultEnvelope(std::string(result));
  record.last_transition_at += std::chrono::seconds(1);
  record.expires_at = base + std::chrono::hours(24);
  return record;
}

// Returns: what an attempt's own completion asks of the stored record.
inline WriteGuard guard_of(const IdempotencyRecord& record) {
  return {record.attempt_token, record.fingerprint, record.status, LeaseCondition::any, base};
}

inline std::unique_ptr<SqliteIdempotencyStore> ready_store(const Scratch& scratch,
                                                           SqliteStoreOptions options = {}) {
  auto store = std::make_unique<SqliteIdempotencyStore>(scratch.file(), std::move(options));
  store->ensure_schema();
  return store;
}

// What a StoreError said.
struct Said {
  StoreErrc code;
  std::string native_code;
  std::string what;
};

// Returns: the store error that `call` ended with; nothing if it ended well.
template <class Call>
std::optional<Said> said(Call&& call) {
  try {
    call();
  } catch (const StoreError& error) {
    return Said{error.code(), std::string(error.native_code()), error.what()};
  }
  return std::nullopt;
}

}  // namespace nexus::idempotency::test
