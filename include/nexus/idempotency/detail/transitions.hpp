// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_DETAIL_TRANSITIONS_HPP
#define NEXUS_IDEMPOTENCY_DETAIL_TRANSITIONS_HPP

// What the service writes: each transition's new record, made of plain values.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "nexus/idempotency/attempt.hpp"
#include "nexus/idempotency/detail/token_source.hpp"
#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/time.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace detail {

[[nodiscard]] constexpr std::optional<Timestamp> deadline(Timestamp now,
                                                          std::optional<Duration> ttl) noexcept {
  if (!ttl) return std::nullopt;
  return saturating_add(now, *ttl);
}

// Returns: a fence above `previous` (the stored record's, 0 if there is none), in step with the
// clock so that it grows across a purge too. At least 1, below 2^63.
// Errors: StoreErrc::corrupt if there is none above `previous`.
[[nodiscard]] inline std::uint64_t next_fence(std::uint64_t previous, Timestamp now) {
  if (previous >= std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
    throw StoreError(StoreErrc::corrupt, "a stored fence leaves no room for a greater one");
  }
  const auto micros = std::max<std::int64_t>(now.time_since_epoch().count(), 0);
  return std::max(previous + 1, static_cast<std::uint64_t>(micros));
}

// Returns: the claim of a key. Errors: those of next_fence.
[[nodiscard]] inline IdempotencyRecord pending_record(const IdempotencyKey& key,
                                                      const RequestFingerprint& fingerprint,
                                                      const TokenBits& token,
                                                      std::uint64_t previous_fence, Timestamp now,
                                                      std::optional<Duration> ttl) {
  // Variables, since GCC 12 zeroes the whole record first where it sees constants: 15 ns a claim.
  RecordStatus status = RecordStatus::pending;
  std::optional<ResultEnvelope> no_result;
  return {.key = key,
          .status = status,
          .fingerprint = fingerprint,
          .attempt_token = token_of(token),
          .fence = next_fence(previous_fence, now),
          .result = no_result,
          .created_at = now,
          .last_transition_at = now,
          .expires_at = deadline(now, ttl)};
}

// Returns: what an attempt's record becomes: renewed (pending), completed or failed.
[[nodiscard]] inline IdempotencyRecord next_record(const Attempt& attempt, RecordStatus status,
                                                   std::optional<ResultEnvelope> result,
                                                   Timestamp now, std::optional<Duration> ttl) {
  return {.key = attempt.key,
          .status = status,
          .fingerprint = attempt.fingerprint,
          .attempt_token = attempt.token,
          .fence = attempt.fence,
          .result = std::move(result),
          .created_at = attempt.started_at,
          .last_transition_at = now,
          .expires_at = deadline(now, ttl)};
}

// Returns: the ticket for the claim that `record` is.
[[nodiscard]] inline Attempt attempt_of(const IdempotencyRecord& record) {
  return {.key = record.key,
          .fingerprint = record.fingerprint,
          .token = record.attempt_token,
          .fence = record.fence,
          .started_at = record.created_at,
          .lease_end = record.expires_at};
}

}  // namespace detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_DETAIL_TRANSITIONS_HPP
