// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_BY_HAND_OPERATIONS_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_BY_HAND_OPERATIONS_HPP

// The operations of operations.hpp with a client written by hand: SqliteByHand or PostgresByHand.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include "benchmarks/durable/by_hand.hpp"
#include "benchmarks/durable/operations.hpp"
#include "benchmarks/durable/supply.hpp"
#include "benchmarks/support/requests.hpp"

namespace nexus::idempotency::benchmarks {

template <class Client>
[[nodiscard]] Operation first_executions_by_hand(Client& client, std::uint64_t seed) {
  return [&client, supply = fresh_claims(seed)](std::size_t thread) mutable -> std::size_t {
    const RawClaim claim = supply[thread].next();
    if (client.claim(thread, claim)) throw std::logic_error("a new key was not claimed");
    const std::string result(stored_result_size, 'r');
    const std::int64_t now = now_in_microseconds();
    if (!client.complete(thread, claim, result, now, now + replayed_for)) {
      throw std::logic_error("a claim was not completed");
    }
    return 1;
  };
}

// `claim(thread, raw claim)` answers with what is there.
template <class Claim>
[[nodiscard]] Operation replays_by(Claim claim, const Requests& completed) {
  return [claim, requests = draw(completed, drawn_requests, 0x20), tokens = tokens_of_threads(0),
          places = Places{}](std::size_t thread) mutable -> std::size_t {
    const Request& request = requests[places.next(thread, requests.size())];
    const std::int64_t now = now_in_microseconds();
    const std::optional<RawRecord> there =
        claim(thread, RawClaim{request.client_key(), request.fingerprint(), tokens[thread].next(),
                               now, now, now + lease});
    if (!there || there->status != raw_completed || there->fingerprint != request.fingerprint() ||
        !there->result) {
      throw std::logic_error("a completed key was not replayed");
    }
    benchmark::DoNotOptimize(there->result->back());
    return 1;
  };
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
  return [&client, &lapsed, tokens = tokens_of_threads(seed),
          places = Places{}](std::size_t thread) mutable -> std::size_t {
    const Request& request = lapsed[places.next_own(thread, lapsed.size())];
    const std::int64_t now = now_in_microseconds();
    const RawClaim claim{
        request.client_key(), request.fingerprint(), tokens[thread].next(), now, now, now - lease};
    const std::optional<RawRecord> there = client.claim(thread, claim);
    if (!there || there->fingerprint != request.fingerprint()) {
      throw std::logic_error("a key was not there, or not the same command");
    }
    if (!client.take_over(thread, *there, claim)) {
      throw std::logic_error("a lapsed claim was not taken over");
    }
    return 1;
  };
}

template <class Client>
[[nodiscard]] Operation purges_by_hand(Client& client) {
  return [&client](std::size_t thread) {
    return client.purge(thread, purge_before, static_cast<std::int64_t>(purge_limit));
  };
}

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_BY_HAND_OPERATIONS_HPP
