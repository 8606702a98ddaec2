// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_ATTEMPT_HPP
#define NEXUS_IDEMPOTENCY_ATTEMPT_HPP

#include <cstdint>
#include <optional>

#include "nexus/idempotency/key.hpp"
#include "nexus/idempotency/time.hpp"
#include "nexus/idempotency/values.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// The ticket of one execution: who holds it may report the outcome. A plain value that may travel
// to another thread, process or host; keep it secret from the client, for the token is in it.
struct Attempt {
  IdempotencyKey key;
  RequestFingerprint fingerprint;
  AttemptToken token;
  // Send it along to systems that can refuse an execution older than one they have seen.
  std::uint64_t fence;
  Timestamp started_at;
  // Until when nobody else may take over; nullopt: nobody ever may.
  std::optional<Timestamp> lease_end;

  [[nodiscard]] friend bool operator==(const Attempt&, const Attempt&) = default;
};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_ATTEMPT_HPP
