// SPDX-License-Identifier: MIT
// A store that breaks its promises now and then, to see that the judge notices. For one thread.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/result_envelope.hpp"
#include "nexus/idempotency/time.hpp"

namespace nexus::idempotency::test {

inline constexpr std::array<std::string_view, 8> breakages = {
    "claims_without_asking",    // says that a key was free
    "ignores_guards",           // overwrites whatever is there
    "forgets_completions",      // says that it has written
    "acknowledges_too_early",   // writes a completion at the next call; a crash comes in between
    "keeps_another_result",     // a byte of it is wrong
    "forgets_renewals",         // says that it has written
    "purges_what_is_live",      // looks at no deadline
    "keeps_another_deadline"};  // a lease ends at once

class BrokenStore final : public IdempotencyStore {
 public:
  // `how`: one of the breakages, or "no".
  BrokenStore(IdempotencyStore& inner, std::string how, std::uint64_t seed)
      : inner_(inner), how_(std::move(how)), random_(seed) {
    if (how_ == "no") return;
    for (const std::string_view known : breakages) {
      if (how_ == known) return;
    }
    throw std::invalid_argument("no such breakage: " + how_);
  }

  std::optional<IdempotencyRecord> find(const IdempotencyKey& key) override {
    return inner_.find(key);
  }

  ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    write_what_is_owed();
    if (breaks("claims_without_asking")) return {};
    if (breaks("keeps_another_deadline")) {
      IdempotencyRecord other = candidate;
      other.expires_at = candidate.created_at;
      return inner_.claim_pending(other);
    }
    return inner_.claim_pending(candidate);
  }

  bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override {
    write_what_is_owed();
    const bool completes = next.status == RecordStatus::completed;
    const bool renews =
        next.status == RecordStatus::pending && guard.lease != LeaseCondition::lapsed;
    if (completes && breaks("forgets_completions")) return true;
    if (renews && breaks("forgets_renewals")) return true;
    if (breaks("ignores_guards")) {
      if (const std::optional<IdempotencyRecord> stored = inner_.find(next.key)) {
        return inner_.save_if({stored->attempt_token, stored->fingerprint, stored->status}, next);
      }
    }
    if (completes && breaks("acknowledges_too_early")) {
      owed_guard_ = guard;
      owed_ = next;
      return true;
    }
    if (completes && breaks("keeps_another_result")) {
      IdempotencyRecord other = next;
      std::string bytes(next.result->payload());
      bytes.back() ^= 1;
      other.result = ResultEnvelope(bytes);
      return inner_.save_if(guard, other);
    }
    return inner_.save_if(guard, next);
  }

  std::size_t purge_expired(Timestamp before, std::size_t limit) override {
    if (breaks("purges_what_is_live")) before += std::chrono::hours(48);
    return inner_.purge_expired(before, limit);
  }

 private:
  // Of five such calls, one goes wrong.
  bool breaks(std::string_view how) { return how_ == how && random_() % 5 == 0; }

  void write_what_is_owed() {
    if (!owed_) return;
    const IdempotencyRecord next = *owed_;
    owed_.reset();
    (void)inner_.save_if(*owed_guard_, next);
  }

  IdempotencyStore& inner_;
  std::string how_;
  std::mt19937_64 random_;
  std::optional<WriteGuard> owed_guard_;
  std::optional<IdempotencyRecord> owed_;
};

}  // namespace nexus::idempotency::test
