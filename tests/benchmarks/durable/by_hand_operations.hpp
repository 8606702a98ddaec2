// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_BY_HAND_OPERATIONS_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_BY_HAND_OPERATIONS_HPP

// The operations of operations.hpp with a client written by hand: SqliteByHand or PostgresByHand.

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "benchmarks/durable/by_hand.hpp"
#include "benchmarks/durable/operations.hpp"
#include "benchmarks/durable/slices.hpp"
#include "benchmarks/durable/supply.hpp"
#include "benchmarks/support/requests.hpp"
#include "nexus/idempotency/record.hpp"

namespace nexus::idempotency::benchmarks {

// What each thread calls a client with next.
struct alignas(64) NextByHand {
  // Makes the library's record as well, for nothing: what a server does after its answer goes on
  // while the client does something else, so both sides must do as much between two calls.
  void be(const RawClaim& next) {
    claim = next;
    const IdempotencyRecord record = pending_record_of(next);
    benchmark::DoNotOptimize(&record);
  }

  RawClaim claim{};
  std::string result = std::string(stored_result_size, 'r');
};
using NextByHandOfThreads = std::array<NextByHand, max_threads>;

template <class Client>
[[nodiscard]] Operation first_executions_by_hand(Client& client, std::uint64_t seed) {
  const auto next = std::make_shared<NextByHandOfThreads>();
  return {[&client, next](std::size_t thread) -> std::size_t {
            const auto& [claim, result] = (*next)[thread];
            if (client.claim(thread, claim)) throw std::logic_error("a new key was not claimed");
            if (!client.complete(thread, claim, result, claim.now, claim.now + replayed_for)) {
              throw std::logic_error("a claim was not completed");
            }
            return 1;
          },
          [next, supply = fresh_claims(seed)](std::size_t thread) mutable {
            (*next)[thread].be(supply[thread].next());
          }};
}

// `find(thread, raw claim)` answers with what is there.
template <class Find>
[[nodiscard]] Operation replays_by(Find find, const Requests& completed) {
  const auto next = std::make_shared<NextByHandOfThreads>();
  return {[find, next](std::size_t thread) -> std::size_t {
            const RawClaim& claim = (*next)[thread].claim;
            const std::optional<RawRecord> there = find(thread, claim);
            if (!there || there->status != raw_completed ||
                there->fingerprint != claim.fingerprint || !there->result) {
              throw std::logic_error("a completed key was not replayed");
            }
            benchmark::DoNotOptimize(there->result->back());
            return 1;
          },
          [next, requests = draw(completed, drawn_requests, 0x20), tokens = tokens_of_threads(0),
           places = Places{}](std::size_t thread) mutable {
            const Request& request = requests[places.next(thread, requests.size())];
            const std::int64_t now = now_in_microseconds();
            (*next)[thread].be({request.client_key(), request.fingerprint(), tokens[thread].next(),
                                now, now, now + lease});
          }};
}

template <class Client>
[[nodiscard]] Operation replays_by_hand(Client& client, const Requests& completed) {
  return replays_by(
      [&client](std::size_t thread, const RawClaim& claim) { return client.claim(thread, claim); },
      completed);
}

template <class Client>
[[nodiscard]] Operation takeovers_by_hand(Client& client, const Requests& lapsed,
                                          std::uint64_t seed) {
  const auto next = std::make_shared<NextByHandOfThreads>();
  return {[&client, next](std::size_t thread) -> std::size_t {
            const RawClaim& claim = (*next)[thread].claim;
            const std::optional<RawRecord> there = client.claim(thread, claim);
            if (!there || there->fingerprint != claim.fingerprint) {
              throw std::logic_error("a key was not there, or not the same command");
            }
            if (!client.take_over(thread, *there, claim)) {
              throw std::logic_error("a lapsed claim was not taken over");
            }
            return 1;
          },
          [next, &lapsed, tokens = tokens_of_threads(seed),
           places = Places{}](std::size_t thread) mutable {
            const Request& request = lapsed[places.next_own(thread, lapsed.size())];
            const std::int64_t now = now_in_microseconds();
            (*next)[thread].be({request.client_key(), request.fingerprint(), tokens[thread].next(),
                                now, now, now - lease});
          }};
}

template <class Client>
[[nodiscard]] Operation purges_by_hand(Client& client) {
  return {[&client](std::size_t thread) {
    return client.purge(thread, purge_before, static_cast<std::int64_t>(purge_limit));
  }};
}

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_BY_HAND_OPERATIONS_HPP
