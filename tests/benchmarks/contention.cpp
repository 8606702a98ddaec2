// SPDX-License-Identifier: MIT
// Many callers on one lapsed key, of whom one takes it over; and another request under a used key.

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "benchmarks/subjects.hpp"
#include "benchmarks/support/filled.hpp"
#include "benchmarks/support/requests.hpp"
#include "benchmarks/support/suite.hpp"

namespace nexus::idempotency::benchmarks {
namespace {

constexpr int callers = 8;

// Effects: makes each request pending, by an execution whose lease ended a day ago.
void add_lapsed(Ours& subject, const Requests& requests) {
  const Timestamp ended = SystemClock().now() - std::chrono::hours{24};
  for (const Request& request : requests) {
    const ClaimPendingResult claim = subject.store().claim_pending(
        {.key = key_of(request),
         .status = RecordStatus::pending,
         .fingerprint = RequestFingerprint(request.fingerprint()),
         .attempt_token = AttemptToken("0123456789abcdef0123456789abcdef"),
         .fence = 1,
         .result = std::nullopt,
         .created_at = ended - std::chrono::minutes{15},
         .last_transition_at = ended - std::chrono::minutes{15},
         .expires_at = ended});
    if (!claim.claimed_new()) throw std::logic_error("the key is in use");
  }
}

void add_lapsed(Baseline& subject, const Requests& requests) {
  const auto long_ago = std::chrono::system_clock::now() - std::chrono::hours{24};
  for (const Request& request : requests) {
    const auto decision = subject.store().begin(tenant, operation, request.client_key(),
                                                request.fingerprint(), long_ago);
    if (decision.kind != BaselineStore::Kind::first_execution) {
      throw std::logic_error("the key is in use");
    }
  }
}

// All threads go through the same lapsed keys in the same order.
template <class Subject>
void add_takeover(Suite& suite, const std::string& name,
                  const std::shared_ptr<const Requests>& requests) {
  const auto subject = std::make_shared<std::unique_ptr<Subject>>();
  suite.add(name, callers, requests->size() * callers, [=](benchmark::State& state) {
    if (state.thread_index() == 0) {
      *subject = std::make_unique<Subject>();
      add_lapsed(**subject, *requests);
    }
    Cursor cursor(*requests, 0);
    std::size_t executed = 0;
    for (auto _ : state) {
      executed += (*subject)->handle(cursor.next()) == Outcome::executed ? 1U : 0U;
    }
    state.SetItemsProcessed(state.iterations());
    state.counters["executed"] = static_cast<double>(executed);
    if (state.thread_index() == 0) subject->reset();
  });
}

template <class Subject>
void add_conflict(Suite& suite, const std::string& name, const Requests& stored,
                  const std::shared_ptr<const Requests>& conflicting) {
  const auto subject = filled_with<Subject>(stored);
  suite.add(name, 1, suite.sizes().calls, [=](benchmark::State& state) {
    Cursor cursor(*conflicting, 0);
    for (auto _ : state) {
      if (subject->handle(cursor.next()) != Outcome::other) {
        state.SkipWithError("another request was let through");
      }
    }
    state.SetItemsProcessed(state.iterations());
  });
}

}  // namespace

void add_contention(Suite& suite) {
  const auto lapsed =
      std::make_shared<const Requests>(make_requests(suite.sizes().lapsed_keys, 0xB));
  add_takeover<Ours>(suite, "takeover_ours", lapsed);
  add_takeover<Baseline>(suite, "takeover_baseline", lapsed);

  const Requests stored = make_requests(suite.sizes().few_records, 0xC);
  Requests conflicting = stored;
  for (Request& request : conflicting) request.fingerprint_bytes.fill('f');
  const auto shared = std::make_shared<const Requests>(std::move(conflicting));
  add_conflict<Ours>(suite, "conflict_ours", stored, shared);
  add_conflict<Baseline>(suite, "conflict_baseline", stored, shared);

  suite.compare({"takeover of lapsed keys, all 8 threads at each",
                 {"takeover_ours"},
                 {"takeover_baseline"},
                 "baseline",
                 {}});
  suite.compare({"conflict over 10⁴ records, 1 thread",
                 {"conflict_ours"},
                 {"conflict_baseline"},
                 "baseline",
                 {}});
}

}  // namespace nexus::idempotency::benchmarks
