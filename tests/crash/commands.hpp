// SPDX-License-Identifier: MIT
// The commands of a crash test, known to the processes and to the judge by their numbers.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "nexus/idempotency/key.hpp"
#include "nexus/idempotency/policy.hpp"
#include "nexus/idempotency/result_envelope.hpp"
#include "nexus/idempotency/time.hpp"
#include "nexus/idempotency/values.hpp"

namespace nexus::idempotency::test {

[[nodiscard]] inline IdempotencyKey command_key(std::uint32_t number) {
  return {TenantId{"tenant"}, OperationRef{"crash.test"}, ClientKey{std::to_string(number)}};
}

[[nodiscard]] inline RequestFingerprint command_fingerprint(std::uint32_t number) {
  return RequestFingerprint{"request-" + std::to_string(number)};
}

// Never the fingerprint of any command.
[[nodiscard]] inline RequestFingerprint foreign_fingerprint() {
  return RequestFingerprint{"another-request"};
}

// Some commands may not be tried again once they have failed.
[[nodiscard]] constexpr bool retry_allowed(std::uint32_t number) {
  return number % 5 != 4;
}

// For some, a result that comes after the lease is refused.
[[nodiscard]] constexpr bool late_allowed(std::uint32_t number) {
  return number % 3 != 2;
}

// No result or refusal runs out within a test.
[[nodiscard]] inline IdempotencyPolicy command_policy(std::uint32_t number, Duration lease) {
  return {.pending_ttl = lease,
          .allow_retry_after_fail = retry_allowed(number),
          .completed_ttl = std::chrono::hours(24),
          .failed_ttl = std::nullopt,
          .late_completion = late_allowed(number) ? LateCompletion::accept : LateCompletion::reject,
          .clock_skew_allowance = Duration{0}};
}

// What the processes keep lapsed claims for, when they purge. Longer than any lease here.
inline constexpr Duration purge_grace = std::chrono::seconds(2);

// Returns: the bytes of an outcome, which no other attempt and no other call reports: a name, then
// filling up to `size`.
[[nodiscard]] inline ResultEnvelope outcome_bytes(std::string_view kind, std::uint32_t key,
                                                  std::uint64_t fence, std::uint32_t worker,
                                                  std::size_t size) {
  std::string bytes(kind);
  bytes += "/" + std::to_string(key) + "/" + std::to_string(fence) + "/" + std::to_string(worker);
  bytes += '|';
  while (bytes.size() < size) bytes += static_cast<char>(bytes.size() * 31 % 251);
  return ResultEnvelope{bytes};
}

// Returns: how the log names these bytes: by name, size and a hash (FNV-1a) of all of them.
[[nodiscard]] inline std::string describe(std::string_view bytes) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : bytes) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  }
  std::string name(bytes.substr(0, bytes.find('|')));
  for (char& c : name) {
    if (c <= ' ' || c > '~') c = '?';
  }
  return name + ":" + std::to_string(bytes.size()) + ":" + std::to_string(hash);
}

[[nodiscard]] inline std::string describe(const std::optional<ResultEnvelope>& outcome) {
  if (!outcome) return "none";
  if (outcome->is_omitted()) return "omitted";
  return describe(outcome->payload());
}

}  // namespace nexus::idempotency::test
