// SPDX-License-Identifier: MIT
#pragma once

// A table of a million records, and every kind of call on it.
//   key:        acct_7, ledger.charge, 00000001 to 01000000
//   expires_at: its number in microseconds since 1970 for the first tenth, in 2100 for the others

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>

#include "nexus/idempotency.hpp"

namespace nexus::idempotency::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr long sample_records = 100'000;
#else
inline constexpr long sample_records = 1'000'000;
#endif
inline constexpr long sample_lapsed = sample_records / 10;

inline constexpr Timestamp sample_purge_time{std::chrono::hours{1}};
inline constexpr Timestamp sample_deadline{std::chrono::seconds{4'102'444'800}};

inline IdempotencyKey sample_key(long number) {
  char name[16];
  (void)std::snprintf(name, sizeof name, "%08ld", number);
  return {TenantId("acct_7"), OperationRef("ledger.charge"), ClientKey(name)};
}

inline IdempotencyRecord sample_record(const IdempotencyKey& key, RecordStatus status) {
  return {key,
          status,
          RequestFingerprint("cents=1000"),
          AttemptToken("token"),
          1,
          std::nullopt,
          sample_deadline,
          sample_deadline,
          sample_deadline};
}

// Effects: `times` calls of every kind that goes by a key, on keys that are there and on keys that
// are not.
inline void call_by_key(IdempotencyStore& store, int times) {
  static long fresh = 2 * sample_records;
  for (int i = 0; i < times; ++i) {
    const IdempotencyKey absent = sample_key(++fresh);
    const IdempotencyKey there = sample_key(sample_records - fresh % 1000);
    const WriteGuard guard{AttemptToken("token"), RequestFingerprint("cents=1000"),
                           RecordStatus::pending, LeaseCondition::live, sample_purge_time};
    (void)store.find(there);
    (void)store.find(absent);
    (void)store.save_if(guard, sample_record(absent, RecordStatus::completed));
    (void)store.claim_pending(sample_record(there, RecordStatus::pending));
    (void)store.claim_pending(sample_record(absent, RecordStatus::pending));
    (void)store.save_if(guard, sample_record(absent, RecordStatus::pending));
    (void)store.save_if(guard, sample_record(absent, RecordStatus::completed));
  }
}

// Effects: those, and purges.
inline void call_everything(IdempotencyStore& store, int times) {
  for (int i = 0; i < times; ++i) {
    call_by_key(store, 1);
    (void)store.purge_expired(Timestamp(Duration(0)), 10);  // nothing
    (void)store.purge_expired(sample_purge_time, 1);        // one
  }
}

}  // namespace nexus::idempotency::test
