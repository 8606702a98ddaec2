// SPDX-License-Identifier: MIT
// A service over an in-memory store that goes wrong on demand, on a clock that stands still.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "nexus/idempotency.hpp"
#include "nexus/idempotency/testing/faulty_store.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"
#include "support/catch.hpp"
#include "support/store_error.hpp"

namespace nexus::idempotency::test {

using namespace std::chrono_literals;
using testing::FaultyStore;
using testing::ManualClock;
using testing::StoreCall;

inline constexpr Timestamp start{std::chrono::seconds{1'700'000'000}};

inline IdempotencyKey key(std::string_view client_key = "key-1") {
  return {TenantId{"tenant-1"}, OperationRef{"payments.charge"}, ClientKey{client_key}};
}
inline const RequestFingerprint& fingerprint() {
  static const RequestFingerprint value{"fingerprint-1"};
  return value;
}
inline const RequestFingerprint& other_fingerprint() {
  static const RequestFingerprint value{"fingerprint-2"};
  return value;
}
inline ResultEnvelope result(std::string_view bytes = "result") {
  return ResultEnvelope{std::string(bytes)};
}

struct World {
  InMemoryIdempotencyStore memory;
  FaultyStore store{memory};
  ManualClock clock{start};
  IdempotencyPolicy policy;
  std::optional<IdempotencyService> service_;

  World() : World(IdempotencyPolicy{}) {}
  explicit World(IdempotencyPolicy p) : policy(p) { service_.emplace(store, clock, p); }

  IdempotencyService& service() { return *service_; }

  BeginDecision begin(const RequestFingerprint& fp = fingerprint()) {
    return service().begin(key(), fp);
  }
  // Requires that this call may execute.
  Attempt claim(const RequestFingerprint& fp = fingerprint()) {
    BeginDecision decision = begin(fp);
    REQUIRE(std::holds_alternative<FirstExecution>(decision));
    return std::get<FirstExecution>(decision).attempt;
  }
  IdempotencyRecord stored() {
    std::optional<IdempotencyRecord> record = memory.find(key());
    REQUIRE(record);
    return *record;
  }
};

template <class Answer>
bool is(const BeginDecision& decision) {
  return std::holds_alternative<Answer>(decision);
}

// Returns: why `call` was refused as a completion; nothing if it wasn't.
template <class Call>
std::optional<CompletionFailure> refusal(Call&& call) {
  try {
    call();
  } catch (const CompletionError& error) {
    return error.reason();
  }
  return std::nullopt;
}

}  // namespace nexus::idempotency::test

namespace Catch {
template <>
struct StringMaker<nexus::idempotency::CompletionFailure> {
  static std::string convert(nexus::idempotency::CompletionFailure reason) {
    return std::string(nexus::idempotency::to_string(reason));
  }
};
template <>
struct StringMaker<nexus::idempotency::StoreErrc> {
  static std::string convert(nexus::idempotency::StoreErrc code) {
    return std::string(nexus::idempotency::to_string(code));
  }
};
template <>
struct StringMaker<nexus::idempotency::RecordStatus> {
  static std::string convert(nexus::idempotency::RecordStatus status) {
    return std::string(nexus::idempotency::to_string(status));
  }
};
template <>
struct StringMaker<nexus::idempotency::Verdict> {
  static std::string convert(nexus::idempotency::Verdict verdict) {
    return std::string(nexus::idempotency::to_string(verdict));
  }
};
}  // namespace Catch
