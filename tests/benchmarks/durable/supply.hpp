// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_SUPPLY_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_SUPPLY_HPP

// Where the commands of these benchmarks come from, as raw claims and as the library's records.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/durable/by_hand.hpp"
#include "benchmarks/support/requests.hpp"
#include "nexus/idempotency/key.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/time.hpp"
#include "nexus/idempotency/values.hpp"

namespace nexus::idempotency::benchmarks {

inline constexpr std::size_t max_threads = 8;
inline constexpr std::size_t stored_result_size = 256;
inline constexpr std::size_t drawn_requests = 16'384;         // replayed again and again
inline constexpr std::int64_t lease = 900'000'000;            // 15 minutes
inline constexpr std::int64_t replayed_for = 86'400'000'000;  // a day

[[nodiscard]] inline std::int64_t now_in_microseconds() {
  return std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Different ones again and again, for one thread.
class Tokens {
 public:
  explicit Tokens(std::uint64_t seed) : count_(seed << 32) {}

  // Lifetimes: until the next call.
  [[nodiscard]] const std::string& next() {
    std::uint64_t bits = ++count_ * 0x9E3779B97F4A7C15U;
    for (char& digit : token_) {
      digit = "0123456789abcdef"[bits >> 60];
      bits = (bits << 4) ^ (bits >> 60);
    }
    return token_;
  }

 private:
  std::uint64_t count_;
  std::string token_ = std::string(32, '0');
};

// Claims of keys that nobody has used, for one thread.
class FreshClaims {
 public:
  explicit FreshClaims(std::uint64_t seed) : seed_(seed << 32), tokens_(seed) {}

  // Lifetimes: until the next call.
  [[nodiscard]] RawClaim next() {
    if (used_ == requests_.size()) {
      requests_ = make_requests(256, ++seed_);
      used_ = 0;
    }
    const Request& request = requests_[used_++];
    const std::int64_t now = now_in_microseconds();
    return {request.client_key(), request.fingerprint(), tokens_.next(), now, now, now + lease};
  }

 private:
  std::uint64_t seed_;
  Tokens tokens_;
  Requests requests_;
  std::size_t used_ = 0;
};

// Returns: the supply of each thread. No two seeds give the same keys.
[[nodiscard]] inline std::vector<FreshClaims> fresh_claims(std::uint64_t seed) {
  std::vector<FreshClaims> all;
  for (std::uint64_t thread = 0; thread < max_threads; ++thread) {
    all.emplace_back(seed * max_threads + thread);
  }
  return all;
}

[[nodiscard]] inline std::vector<Tokens> tokens_of_threads(std::uint64_t seed) {
  std::vector<Tokens> all;
  for (std::uint64_t thread = 0; thread < max_threads; ++thread) {
    all.emplace_back(seed * max_threads + thread);
  }
  return all;
}

// Where each thread is in a list that is gone through over and over.
class Places {
 public:
  // Returns: a place in a list that all threads go through, each from a place of its own.
  [[nodiscard]] std::size_t next(std::size_t thread, std::size_t size) noexcept {
    return (thread * size / max_threads + places_[thread].value++) % size;
  }
  // Returns: a place that is no other thread's. Preconditions: size >= max_threads.
  [[nodiscard]] std::size_t next_own(std::size_t thread, std::size_t size) noexcept {
    return places_[thread].value++ % (size / max_threads) * max_threads + thread;
  }

 private:
  struct alignas(64) Place {  // a cache line each
    std::size_t value = 0;
  };
  std::array<Place, max_threads> places_{};
};

[[nodiscard]] inline IdempotencyKey key_of(std::string_view client_key) {
  return {TenantId(tenant), OperationRef(operation), ClientKey(client_key)};
}

[[nodiscard]] inline IdempotencyRecord pending_record_of(const RawClaim& claim) {
  const Timestamp now{Duration(claim.now)};
  return {key_of(claim.client_key),
          RecordStatus::pending,
          RequestFingerprint(claim.fingerprint),
          AttemptToken(claim.token),
          static_cast<std::uint64_t>(claim.fence),
          std::nullopt,
          now,
          now,
          Timestamp(Duration(claim.expires_at))};
}

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_SUPPLY_HPP
