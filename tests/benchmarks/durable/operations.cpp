// SPDX-License-Identifier: MIT
#include "benchmarks/durable/operations.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "benchmarks/durable/supply.hpp"
#include "benchmarks/support/requests.hpp"
#include "nexus/idempotency/attempt.hpp"
#include "nexus/idempotency/decision.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/result_envelope.hpp"
#include "nexus/idempotency/service.hpp"
#include "nexus/idempotency/system_clock.hpp"
#include "nexus/idempotency/time.hpp"
#include "nexus/idempotency/values.hpp"

namespace nexus::idempotency::benchmarks {
namespace {

void require(bool as_expected, const char* what) {
  if (!as_expected) throw std::logic_error(what);
}

IdempotencyRecord completed_record_of(const IdempotencyRecord& pending) {
  IdempotencyRecord next = pending;
  next.status = RecordStatus::completed;
  next.result = ResultEnvelope(std::string(stored_result_size, 'r'));
  next.last_transition_at = Timestamp(Duration(now_in_microseconds()));
  next.expires_at = next.last_transition_at + Duration(replayed_for);
  return next;
}

// A claim whose lease is over from the start.
RawClaim lapsed_claim_of(const Request& request, const std::string& token) {
  const std::int64_t now = now_in_microseconds();
  return {request.client_key(), request.fingerprint(), token, now, now, now - lease};
}

void execute_first(IdempotencyStore& store, const IdempotencyRecord& pending,
                   const IdempotencyRecord& completed) {
  require(store.claim_pending(pending).claimed_new(), "a new key was not claimed");
  const bool saved =
      store.save_if({pending.attempt_token, pending.fingerprint, RecordStatus::pending,
                     LeaseCondition::any, completed.last_transition_at},
                    completed);
  require(saved, "a claim was not completed");
}

void replay(IdempotencyStore& store, const IdempotencyRecord& candidate) {
  const ClaimPendingResult claim = store.claim_pending(candidate);
  require(claim.existing && claim.existing->status == RecordStatus::completed &&
              claim.existing->fingerprint == candidate.fingerprint && claim.existing->result,
          "a completed key was not replayed");
  benchmark::DoNotOptimize(claim.existing->result->payload().back());
}

void take_over(IdempotencyStore& store, const IdempotencyRecord& candidate) {
  const ClaimPendingResult claim = store.claim_pending(candidate);
  require(claim.existing.has_value(), "a key was not there");
  const IdempotencyRecord& there = *claim.existing;
  require(there.fingerprint == candidate.fingerprint, "not the same command");
  const WriteGuard guard{there.attempt_token, there.fingerprint, there.status,
                         LeaseCondition::lapsed, candidate.created_at};
  require(store.save_if(guard, candidate), "a lapsed claim was not taken over");
}

// What each thread calls the ports with next.
struct alignas(64) Next {
  std::optional<IdempotencyRecord> candidate;
  std::optional<IdempotencyRecord> completed;
};
using NextOfThreads = std::array<Next, max_threads>;

}  // namespace

Operation first_executions(IdempotencyStore& store, std::uint64_t seed) {
  const auto next = std::make_shared<NextOfThreads>();
  return {[&store, next](std::size_t thread) -> std::size_t {
            const Next& mine = (*next)[thread];
            execute_first(store, *mine.candidate, *mine.completed);
            return 1;
          },
          [next, supply = fresh_claims(seed)](std::size_t thread) mutable {
            Next& mine = (*next)[thread];
            mine.candidate.emplace(pending_record_of(supply[thread].next()));
            mine.completed.emplace(completed_record_of(*mine.candidate));
          }};
}

Operation first_executions_by_service(IdempotencyStore& store, std::uint64_t seed) {
  const auto clock = std::make_shared<SystemClock>();
  const auto service = std::make_shared<IdempotencyService>(store, *clock);
  return {[clock, service, supply = fresh_claims(seed)](std::size_t thread) mutable -> std::size_t {
    const RawClaim claim = supply[thread].next();
    const BeginDecision decision =
        service->begin(key_of(claim.client_key), RequestFingerprint(claim.fingerprint));
    const auto* first = std::get_if<FirstExecution>(&decision);
    require(first != nullptr, "a new key was not claimed");
    service->complete(first->attempt, ResultEnvelope(std::string(stored_result_size, 'r')));
    return 1;
  }};
}

Operation replays(IdempotencyStore& store, const Requests& completed) {
  const auto next = std::make_shared<NextOfThreads>();
  return {[&store, next](std::size_t thread) -> std::size_t {
            replay(store, *(*next)[thread].candidate);
            return 1;
          },
          [next, requests = draw(completed, drawn_requests, 0x20), tokens = tokens_of_threads(0),
           places = Places{}](std::size_t thread) mutable {
            const Request& request = requests[places.next(thread, requests.size())];
            const std::int64_t now = now_in_microseconds();
            (*next)[thread].candidate.emplace(
                pending_record_of({request.client_key(), request.fingerprint(),
                                   tokens[thread].next(), now, now, now + lease}));
          }};
}

Operation replays_by_service(IdempotencyStore& store, const Requests& completed) {
  const auto clock = std::make_shared<SystemClock>();
  const auto service = std::make_shared<IdempotencyService>(store, *clock);
  return {[clock, service, requests = draw(completed, drawn_requests, 0x20),
           places = Places{}](std::size_t thread) mutable -> std::size_t {
    const Request& request = requests[places.next(thread, requests.size())];
    const BeginDecision decision =
        service->begin(key_of(request.client_key()), RequestFingerprint(request.fingerprint()));
    const auto* answer = std::get_if<Replay>(&decision);
    require(answer != nullptr, "a completed key was not replayed");
    benchmark::DoNotOptimize(answer->result.payload().back());
    return 1;
  }};
}

Operation takeovers(IdempotencyStore& store, const Requests& lapsed, std::uint64_t seed) {
  const auto next = std::make_shared<NextOfThreads>();
  return {[&store, next](std::size_t thread) -> std::size_t {
            take_over(store, *(*next)[thread].candidate);
            return 1;
          },
          [next, &lapsed, tokens = tokens_of_threads(seed),
           places = Places{}](std::size_t thread) mutable {
            const Request& request = lapsed[places.next_own(thread, lapsed.size())];
            (*next)[thread].candidate.emplace(
                pending_record_of(lapsed_claim_of(request, tokens[thread].next())));
          }};
}

Operation purges(IdempotencyStore& store) {
  return {[&store](std::size_t) {
    return store.purge_expired(Timestamp(Duration(purge_before)), purge_limit);
  }};
}

void fill(IdempotencyStore& store, const Requests& completed, std::size_t threads) {
  std::vector<std::exception_ptr> errors(threads);
  const auto fill_share = [&](std::size_t thread) {
    try {
      Tokens tokens(thread);
      for (std::size_t i = thread; i < completed.size(); i += threads) {
        const std::int64_t now = now_in_microseconds();
        const IdempotencyRecord pending =
            pending_record_of({completed[i].client_key(), completed[i].fingerprint(), tokens.next(),
                               now, now, now + lease});
        execute_first(store, pending, completed_record_of(pending));
      }
    } catch (...) {
      errors[thread] = std::current_exception();
    }
  };
  std::vector<std::thread> crew;
  for (std::size_t thread = 1; thread < threads; ++thread) crew.emplace_back(fill_share, thread);
  fill_share(0);
  for (std::thread& member : crew) member.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

void fill_lapsed(IdempotencyStore& store, const Requests& lapsed) {
  Tokens tokens(0xFFFF);
  for (const Request& request : lapsed) {
    const IdempotencyRecord record = pending_record_of(lapsed_claim_of(request, tokens.next()));
    require(store.claim_pending(record).claimed_new(), "a new key was not claimed");
  }
}

}  // namespace nexus::idempotency::benchmarks
