// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_PORTS_HPP
#define NEXUS_IDEMPOTENCY_PORTS_HPP

// The interfaces that the service works through. Their comments are the contract for authors of
// stores; testing/store_conformance.hpp checks all of it that can be seen from outside.
//
// What holds for all of them:
// - Thread-safety: a service is as thread-safe as its ports. Every implementation shipped here may
//   be called from any number of threads.
// - Errors: StoreError, and std::bad_alloc, are all that a port may throw. `unavailable`,
//   `exhausted` and `contended` promise that the call changed nothing. A call that may or may not
//   have changed something (the connection went after the request was sent) throws `in_doubt`.
// - Lifetimes: arguments are borrowed for the call; records are returned by value.
// - Identity: keys are equal only byte for byte, whatever the collation of the engine.
// - Exactness: a record comes back as it was written: times to the microsecond, before 1970 too;
//   fences up to 2^63 - 1; strings with any byte in them; a result that is none, omitted or bytes.
// - These interfaces do not grow; an extension is a separate, optional port.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "nexus/idempotency/detail/config.hpp"
#include "nexus/idempotency/key.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/time.hpp"
#include "nexus/idempotency/values.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// What a guard asks of the stored deadline. A record without one never lapses.
enum class LeaseCondition {
  any,
  live,    // !(now > expires_at)
  lapsed,  // now > expires_at
};

[[nodiscard]] constexpr std::string_view to_string(LeaseCondition condition) noexcept {
  switch (condition) {
    case LeaseCondition::any:
      return "any";
    case LeaseCondition::live:
      return "live";
    case LeaseCondition::lapsed:
      return "lapsed";
  }
  return "unknown";
}

// What must be true of the stored record, all of it in one atomic step with the write.
struct WriteGuard {
  AttemptToken attempt_token;      // the same bytes
  RequestFingerprint fingerprint;  // the same bytes
  RecordStatus status;
  LeaseCondition lease = LeaseCondition::any;
  // The time that `lease` is judged by. The writer's, never the store's own, and already reduced by
  // the writer's allowance for clock skew.
  Timestamp now{};
};

struct ClaimPendingResult {
  // The record that was there; nothing: the candidate is in the store now.
  std::optional<IdempotencyRecord> existing;

  [[nodiscard]] bool claimed_new() const noexcept { return !existing; }
};

// Reading. The service reads only to explain a refused write, never to decide one, so this port
// may be served by a replica that lags.
class NEXUS_IDEMPOTENCY_API IdempotencyQuery {
 public:
  virtual ~IdempotencyQuery() = default;

  // Returns: the record of `key` as some write left it, or nothing if there is none. Never part
  // of one write and part of another.
  // Errors: StoreError.
  [[nodiscard]] virtual std::optional<IdempotencyRecord> find(const IdempotencyKey& key) = 0;
};

// Writing. Each call is one atomic step: whatever runs beside it, on other threads or hosts, the
// outcome is as if the calls had run one after the other.
class NEXUS_IDEMPOTENCY_API IdempotencyPersist {
 public:
  virtual ~IdempotencyPersist() = default;

  // Effects: if there is no record of `candidate.key`, stores `candidate`; else changes nothing,
  // whatever the stored record's status or deadline.
  // Returns: nothing in `existing` if the candidate was stored; else the stored record, as it was
  // when the claim was refused. Of several concurrent claims of one absent key, one is stored.
  // Errors: StoreError; `in_doubt` if the candidate may have been stored. A repeat of the same
  // candidate is then right: it stores it, or answers with it.
  [[nodiscard]] virtual ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) = 0;

  // Effects: if there is a record of `next.key` and all of `guard` is true of it, replaces it by
  // `next`, every field; else changes nothing. It never inserts. One exception: if both the stored
  // record and `next` are pending with the same attempt token, it is a renewal, and the later of
  // the two deadlines is kept (none is later than any), so that no renewal shortens another.
  // Returns: whether it wrote.
  // Errors: StoreError; `in_doubt` if it may have written.
  [[nodiscard]] virtual bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) = 0;

  // Effects: removes records with `expires_at < before`, whatever their status, at most `limit`.
  // The condition is checked in the step that removes, so a record that has just been completed
  // or renewed stays. A record without a deadline is never removed. Work done while others wait
  // is bounded.
  // Returns: how many were removed; fewer than `limit` means that no more matched, but for records
  // that others were just writing. An engine that expires records by itself returns 0.
  // Errors: StoreError; what was removed before it stays removed.
  virtual std::size_t purge_expired(Timestamp before, std::size_t limit) = 0;
};

// Both in one, which is what a store is.
class NEXUS_IDEMPOTENCY_API IdempotencyStore : public IdempotencyQuery,
                                               public IdempotencyPersist {};

class NEXUS_IDEMPOTENCY_API IdempotencyClock {
 public:
  virtual ~IdempotencyClock() = default;

  // Returns: the current time, UTC. It may step back; leases then last longer.
  // Errors: StoreError if the time comes from a server that is out of reach.
  [[nodiscard]] virtual Timestamp now() = 0;
};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_PORTS_HPP
