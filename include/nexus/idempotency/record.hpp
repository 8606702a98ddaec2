// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_RECORD_HPP
#define NEXUS_IDEMPOTENCY_RECORD_HPP

#include <cstdint>
#include <optional>
#include <string_view>

#include "nexus/idempotency/key.hpp"
#include "nexus/idempotency/result_envelope.hpp"
#include "nexus/idempotency/time.hpp"
#include "nexus/idempotency/values.hpp"

namespace nexus::idempotency {
inline namespace v0 {

enum class RecordStatus {
  pending,    // an attempt holds the key
  completed,  // the command took effect; `result` is what every replay gets
  failed,     // the command took no effect
  expired,    // written only by an operator's guarded write, to free a key: "forget this one"
};

[[nodiscard]] constexpr std::string_view to_string(RecordStatus status) noexcept {
  switch (status) {
    case RecordStatus::pending:
      return "pending";
    case RecordStatus::completed:
      return "completed";
    case RecordStatus::failed:
      return "failed";
    case RecordStatus::expired:
      return "expired";
  }
  return "unknown";
}

// All that is stored of a command. A plain value; stores give it back exactly as it was written.
struct IdempotencyRecord {
  IdempotencyKey key;
  RecordStatus status;
  RequestFingerprint fingerprint;
  AttemptToken attempt_token;
  // The fencing token: greater in every later execution of the key. Below 2^63.
  std::uint64_t fence;
  // Three states that a store keeps apart: none, omitted (without bytes), bytes.
  std::optional<ResultEnvelope> result;
  Timestamp created_at;
  Timestamp last_transition_at;
  // The end of the lease, of the replays, or of the refusal; nullopt: never.
  std::optional<Timestamp> expires_at;

  [[nodiscard]] friend bool operator==(const IdempotencyRecord&,
                                       const IdempotencyRecord&) = default;
};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_RECORD_HPP
