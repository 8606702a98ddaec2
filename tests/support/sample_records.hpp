// SPDX-License-Identifier: MIT
// What the tests of the stores on a server put into them.
#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"

namespace nexus::idempotency::test {

inline constexpr Timestamp start{std::chrono::seconds{1'700'000'000}};

inline IdempotencyKey key(std::string_view client_key = "key-1") {
  return {TenantId{"tenant-1"}, OperationRef{"payments.charge"}, ClientKey{client_key}};
}

inline IdempotencyRecord pending(std::string_view client_key = "key-1",
                                 std::string_view token = "token-1") {
  return {key(client_key),
          RecordStatus::pending,
          RequestFingerprint{"fingerprint-1"},
          AttemptToken{token},
          7,
          std::nullopt,
          start,
          start,
          start + std::chrono::minutes{15}};
}

inline IdempotencyRecord completed(IdempotencyRecord record) {
  record.status = RecordStatus::completed;
  record.result = ResultEnvelope{"result"};
  record.expires_at = start + std::chrono::hours{24};
  return record;
}

inline WriteGuard guard_of(const IdempotencyRecord& record) {
  return {record.attempt_token, record.fingerprint, record.status};
}

// Returns: the error that `call` ended with; a failed test if it ended well.
template <class Call>
StoreError caught(Call&& call) {
  try {
    call();
  } catch (const StoreError& error) {
    return error;
  }
  throw std::runtime_error("nothing was thrown");
}

}  // namespace nexus::idempotency::test
