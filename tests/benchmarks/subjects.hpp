// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUBJECTS_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUBJECTS_HPP

// What is measured, behind one face: a service that gets a request as bytes, makes its values of
// it, asks begin, and either "executes" (makes a result of 200 bytes and completes) or reads the
// replayed result. Clock, token and policy included on both sides.

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "benchmarks/baseline.hpp"
#include "benchmarks/support/requests.hpp"
#include "nexus/idempotency.hpp"

namespace nexus::idempotency::benchmarks {

enum class Outcome { executed, replayed, other };

// Where a measurement of begin alone, values included, starts and stops.
struct NoWatch {
  void start() noexcept {}
  void stop() noexcept {}
};

[[nodiscard]] inline std::string make_result() {
  return std::string(result_size, 'r');
}

inline void read_result(std::string_view result) {
  benchmark::DoNotOptimize(result.back());
}

[[nodiscard]] inline IdempotencyKey key_of(const Request& request) {
  return {TenantId(tenant), OperationRef(operation), ClientKey(request.client_key())};
}

class Ours {
 public:
  explicit Ours(const IdempotencyPolicy& policy = {}) : long_lived_(store_, clock_, policy) {}

  template <class Watch = NoWatch>
  Outcome handle(const Request& request, Watch&& watch = {}) {
    watch.start();
    const IdempotencyKey key = key_of(request);
    const RequestFingerprint fingerprint(request.fingerprint());
    const BeginDecision decision = service_->begin(key, fingerprint);
    watch.stop();
    if (const auto* first = std::get_if<FirstExecution>(&decision)) {
      service_->complete(first->attempt, ResultEnvelope(make_result()));
      return Outcome::executed;
    }
    if (const auto* replay = std::get_if<Replay>(&decision)) {
      read_result(replay->result.payload());
      return Outcome::replayed;
    }
    return Outcome::other;
  }

  // Effects: what is completed from now on lapses within the hour, what is there stays longer.
  void become_short_lived() { service_ = &short_lived_; }
  std::size_t forget_short_lived() {
    return store_.purge_expired(clock_.now() + std::chrono::hours{2}, SIZE_MAX);
  }

  [[nodiscard]] InMemoryIdempotencyStore& store() noexcept { return store_; }
  [[nodiscard]] IdempotencyService& service() noexcept { return *service_; }

 private:
  InMemoryIdempotencyStore store_;
  SystemClock clock_;
  IdempotencyService long_lived_;
  IdempotencyService short_lived_{store_, clock_, {.completed_ttl = std::chrono::hours{1}}};
  IdempotencyService* service_ = &long_lived_;
};

template <class Store>
class HandWritten {
 public:
  template <class Watch = NoWatch>
  Outcome handle(const Request& request, Watch&& watch = {}) {
    using Kind = typename Store::Kind;
    watch.start();
    const auto decision = store_.begin(tenant, operation, request.client_key(),
                                       request.fingerprint(), std::chrono::system_clock::now());
    watch.stop();
    if (decision.kind == Kind::first_execution) {
      const bool recorded =
          store_.complete(tenant, operation, request.client_key(), request.fingerprint(),
                          decision.token, make_result(), std::chrono::system_clock::now());
      if (!recorded) throw std::logic_error("the baseline refused an outcome");
      return Outcome::executed;
    }
    if (decision.kind == Kind::replay) {
      read_result(decision.result);
      return Outcome::replayed;
    }
    return Outcome::other;
  }

  void become_short_lived() { store_.set_completed_ttl(std::chrono::hours{1}); }
  std::size_t forget_short_lived() {
    return store_.purge_expired(std::chrono::system_clock::now() + std::chrono::hours{2});
  }

  [[nodiscard]] Store& store() noexcept { return store_; }

 private:
  Store store_;
};

using Baseline = HandWritten<BaselineStore>;
using ShardedBaseline = HandWritten<ShardedBaselineStore>;

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUBJECTS_HPP
