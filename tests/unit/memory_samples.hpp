// SPDX-License-Identifier: MIT
// Keys and records for the tests of the in-memory store.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "support/catch.hpp"
#include "support/store_error.hpp"

namespace nexus::idempotency::test {

using namespace std::chrono_literals;

inline constexpr Timestamp base{std::chrono::seconds{1'700'000'000}};
inline constexpr Duration one_tick{1};

inline IdempotencyKey numbered_key(std::size_t n) {
  return {TenantId{"tenant"}, OperationRef{"operation"}, ClientKey{std::to_string(n)}};
}

// Returns: the first claim of a key.
inline IdempotencyRecord claim_of(const IdempotencyKey& key, std::optional<Timestamp> expires_at,
                                  Timestamp created_at = base) {
  return {.key = key,
          .status = RecordStatus::pending,
          .fingerprint = RequestFingerprint{"fingerprint"},
          .attempt_token = AttemptToken{"token"},
          .fence = 1,
          .result = std::nullopt,
          .created_at = created_at,
          .last_transition_at = created_at,
          .expires_at = expires_at};
}

// Returns: what becomes of a claim.
inline IdempotencyRecord outcome_of(IdempotencyRecord claim, RecordStatus status,
                                    std::optional<Timestamp> expires_at) {
  claim.status = status;
  claim.last_transition_at = claim.created_at + 7s;
  claim.expires_at = expires_at;
  if (status == RecordStatus::completed) claim.result = ResultEnvelope{"result"};
  return claim;
}

// Returns: the guard that is true of exactly `record`.
inline WriteGuard guard_of(const IdempotencyRecord& record) {
  return {record.attempt_token, record.fingerprint, record.status};
}

// Effects: brings an absent key to be stored as `record`, by a claim and, unless it is pending, a
// guarded write. Both have the record's deadline.
inline void put(IdempotencyStore& store, const IdempotencyRecord& record) {
  IdempotencyRecord claim = record;
  claim.status = RecordStatus::pending;
  claim.result = std::nullopt;
  REQUIRE(store.claim_pending(claim).claimed_new());
  if (record.status == RecordStatus::pending) return;
  REQUIRE(store.save_if(guard_of(claim), record));
}

}  // namespace nexus::idempotency::test

namespace Catch {
template <>
struct StringMaker<nexus::idempotency::IdempotencyRecord> {
  static std::string convert(const nexus::idempotency::IdempotencyRecord& record) {
    const auto ticks = [](nexus::idempotency::Timestamp t) {
      return std::to_string(t.time_since_epoch().count());
    };
    return std::string(record.key.encoded()) + " " +
           std::string(nexus::idempotency::to_string(record.status)) + " " +
           std::string(record.fingerprint.value()) + " " +
           std::string(record.attempt_token.value()) + " fence " + std::to_string(record.fence) +
           " created " + ticks(record.created_at) + " expires " +
           (record.expires_at ? ticks(*record.expires_at) : "never");
  }
};
}  // namespace Catch
