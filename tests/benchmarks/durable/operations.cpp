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

void execute_first(IdempotencyStore& store, const RawClaim& claim) {
  const IdempotencyRecord pending = pending_record_of(claim);
  require(store.claim_pending(pending).claimed_new(), "a new key was not claimed");
  const IdempotencyRecord completed = completed_record_of(pending);
  const bool saved =
      store.save_if({pending.attempt_token, pending.fingerprint, RecordStatus::pending,
                     LeaseCondition::any, completed.last_transition_at},
                    completed);
  require(saved, "a claim was not completed");
}

// A claim whose lease is over from the start.
RawClaim lapsed_claim_of(const Request& request, const std::string& token) {
  const std::int64_t now = now_in_microseconds();
  return {request.client_key(), request.fingerprint(), token, now, now, now - lease};
}

void take_over(IdempotencyStore& store, const Request& request, const std::string& token) {
  const IdempotencyRecord candidate = pending_record_of(lapsed_claim_of(request, token));
  const ClaimPendingResult claim = store.claim_pending(candidate);
  require(claim.existing.has_value(), "a key was not there");
  const IdempotencyRecord& there = *claim.existing;
  require(there.fingerprint == candidate.fingerprint, "not the same command");
  const WriteGuard guard{there.attempt_token, there.fingerprint, there.status,
                         LeaseCondition::lapsed, candidate.created_at};
  require(store.save_if(guard, candidate), "a lapsed claim was not taken over");
}

}  // namespace

Operation first_executions(IdempotencyStore& store, std::uint64_t seed) {
  return [&store, supply = fresh_claims(seed)](std::size_t thread) mutable -> std::size_t {
    execute_first(store, supply[thread].next());
    return 1;
  };
}

Operation first_executions_by_service(IdempotencyStore& store, std::uint64_t seed) {
  const auto clock = std::make_shared<SystemClock>();
  const auto service = std::make_shared<IdempotencyService>(store, *clock);
  return [clock, service, supply = fresh_claims(seed)](std::size_t thread) mutable -> std::size_t {
    const RawClaim claim = supply[thread].next();
    const BeginDecision decision =
        service->begin(key_of(claim.client_key), RequestFingerprint(claim.fingerprint));
    const auto* first = std::get_if<FirstExecution>(&decision);
    require(first != nullptr, "a new key was not claimed");
    service->complete(first->attempt, ResultEnvelope(std::string(stored_result_size, 'r')));
    return 1;
  };
}

Operation replays(IdempotencyStore& store, const Requests& completed) {
  // Made beforehand: a record is dearer to make than a request is by hand, and that is no work of
  // a store's.
  std::vector<IdempotencyRecord> candidates;
  Tokens tokens(0);
  for (const Request& request : draw(completed, drawn_requests, 0x20)) {
    const std::int64_t now = now_in_microseconds();
    candidates.push_back(pending_record_of(
        {request.client_key(), request.fingerprint(), tokens.next(), now, now, now + lease}));
  }
  return [&store, candidates = std::move(candidates),
          places = Places{}](std::size_t thread) mutable -> std::size_t {
    const IdempotencyRecord& candidate = candidates[places.next(thread, candidates.size())];
    const ClaimPendingResult claim = store.claim_pending(candidate);
    require(claim.existing && claim.existing->status == RecordStatus::completed &&
                claim.existing->fingerprint == candidate.fingerprint && claim.existing->result,
            "a completed key was not replayed");
    benchmark::DoNotOptimize(claim.existing->result->payload().back());
    return 1;
  };
}

Operation replays_by_service(IdempotencyStore& store, const Requests& completed) {
  const auto clock = std::make_shared<SystemClock>();
  const auto service = std::make_shared<IdempotencyService>(store, *clock);
  return [clock, service, requests = draw(completed, drawn_requests, 0x20),
          places = Places{}](std::size_t thread) mutable -> std::size_t {
    const Request& request = requests[places.next(thread, requests.size())];
    const BeginDecision decision =
        service->begin(key_of(request.client_key()), RequestFingerprint(request.fingerprint()));
    const auto* replay = std::get_if<Replay>(&decision);
    require(replay != nullptr, "a completed key was not replayed");
    benchmark::DoNotOptimize(replay->result.payload().back());
    return 1;
  };
}

Operation takeovers(IdempotencyStore& store, const Requests& lapsed, std::uint64_t seed) {
  return [&store, &lapsed, tokens = tokens_of_threads(seed),
          places = Places{}](std::size_t thread) mutable -> std::size_t {
    take_over(store, lapsed[places.next_own(thread, lapsed.size())], tokens[thread].next());
    return 1;
  };
}

Operation purges(IdempotencyStore& store) {
  return [&store](std::size_t) {
    return store.purge_expired(Timestamp(Duration(purge_before)), purge_limit);
  };
}

void fill(IdempotencyStore& store, const Requests& completed, std::size_t threads) {
  std::vector<std::exception_ptr> errors(threads);
  const auto fill_share = [&](std::size_t thread) {
    try {
      Tokens tokens(thread);
      for (std::size_t i = thread; i < completed.size(); i += threads) {
        const std::int64_t now = now_in_microseconds();
        execute_first(store, {completed[i].client_key(), completed[i].fingerprint(), tokens.next(),
                              now, now, now + lease});
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
