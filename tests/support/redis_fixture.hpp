// SPDX-License-Identifier: MIT
// How the conformance suite makes stores in Redis.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "nexus/idempotency/redis/redis_store.hpp"
#include "nexus/idempotency/testing/store_conformance.hpp"
#include "support/catch.hpp"
#include "support/redis_server.hpp"

namespace nexus::idempotency::test {

// Each case has a prefix of its own.
class RedisFixture final : public testing::StoreFixture {
 public:
  explicit RedisFixture(RedisStoreOptions options) : options_(std::move(options)) {}

  std::unique_ptr<IdempotencyStore> make_store() override {
    options_.prefix = fresh_prefix();
    return connect();
  }
  std::unique_ptr<IdempotencyStore> connect() override {
    return std::make_unique<RedisIdempotencyStore>(options_);
  }
  bool expires_by_itself() const override { return true; }

 private:
  RedisStoreOptions options_;
};

inline void check_conformance(testing::StoreFixture& fixture) {
  const auto report = testing::run_conformance(fixture);
  INFO(report);
  CHECK(report.passed());
  for (const auto& result : report.results) {
    // Only what is about purges does not apply.
    if (result.outcome != testing::ConformanceOutcome::skipped) continue;
    INFO(result);
    CHECK(result.text.find("expires_by_itself") != std::string::npos);
  }
}

}  // namespace nexus::idempotency::test
