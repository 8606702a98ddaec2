// SPDX-License-Identifier: MIT
// The conformance suite as a test, for stores whose contents several objects can share.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "nexus/idempotency/testing/store_conformance.hpp"
#include "support/catch.hpp"

namespace nexus::idempotency::test {

inline void check_conformance(testing::StoreFixture& fixture) {
  const auto report = testing::run_conformance(fixture);
  INFO(report);
  CHECK(report.passed());
  for (const auto& result : report.results) {
    // Only the case of an engine that expires records by itself does not apply.
    if (result.outcome != testing::ConformanceOutcome::skipped) continue;
    INFO(result);
    CHECK(result.text.find("expires_by_itself") != std::string::npos);
  }
  CHECK(report.count(testing::ConformanceOutcome::skipped) == 1);
}

// A store on a caller's connection, which one thread at a time may use, so each call locks; objects
// of their own, on connections of their own, do meet. `Connection` is what such a connection is
// owned by.
template <class Store, class Connection>
class OneAtATime final : public IdempotencyStore {
 public:
  // `arguments`: of the store.
  template <class... Arguments>
  explicit OneAtATime(Connection connection, Arguments&&... arguments)
      : connection_(std::move(connection)),
        store_(connection_.get(), std::forward<Arguments>(arguments)...) {
    store_.ensure_schema();
  }
  std::optional<IdempotencyRecord> find(const IdempotencyKey& key) override {
    const std::lock_guard lock(mutex_);
    return store_.find(key);
  }
  ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    const std::lock_guard lock(mutex_);
    return store_.claim_pending(candidate);
  }
  bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override {
    const std::lock_guard lock(mutex_);
    return store_.save_if(guard, next);
  }
  std::size_t purge_expired(Timestamp before, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    return store_.purge_expired(before, limit);
  }

 private:
  std::mutex mutex_;
  Connection connection_;
  Store store_;
};

}  // namespace nexus::idempotency::test
