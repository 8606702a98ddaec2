// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_REQUESTS_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_REQUESTS_HPP

// The commands that the benchmarks send, as the bytes that a service would get from a client.

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

namespace nexus::idempotency::benchmarks {

inline constexpr std::string_view tenant = "tenant-1234";
inline constexpr std::string_view operation = "payments.charge";
inline constexpr std::size_t result_size = 200;

// Plain arrays, so that a list of requests in the order of their use is read like a stream: the
// misses that are measured are the stores' own.
struct Request {
  std::array<char, 36> client_key_bytes;   // a UUID
  std::array<char, 64> fingerprint_bytes;  // hexadecimal digits

  [[nodiscard]] std::string_view client_key() const noexcept {
    return {client_key_bytes.data(), client_key_bytes.size()};
  }
  [[nodiscard]] std::string_view fingerprint() const noexcept {
    return {fingerprint_bytes.data(), fingerprint_bytes.size()};
  }
};

using Requests = std::vector<Request>;

// Returns: `count` different requests, the same for the same seed; different for different seeds.
[[nodiscard]] inline Requests make_requests(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto write_hex = [&random](char* out, std::size_t digits) {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < digits; ++i, bits >>= 4) {
      if (i % 16 == 0) bits = random();
      out[i] = "0123456789abcdef"[bits & 0xF];
    }
  };
  Requests requests(count);
  for (Request& request : requests) {
    write_hex(request.client_key_bytes.data(), request.client_key_bytes.size());
    for (const std::size_t dash : {8U, 13U, 18U, 23U}) request.client_key_bytes[dash] = '-';
    write_hex(request.fingerprint_bytes.data(), request.fingerprint_bytes.size());
  }
  return requests;
}

// Returns: `count` requests drawn at random.
[[nodiscard]] inline Requests draw(const Requests& from, std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Requests drawn(count);
  for (Request& request : drawn) request = from[random() % from.size()];
  return drawn;
}

// Goes through a list from a place of its own, over and over.
class Cursor {
 public:
  Cursor(const Requests& requests, std::size_t start) : requests_(requests), next_(start) {}

  [[nodiscard]] const Request& next() noexcept {
    if (next_ == requests_.size()) next_ = 0;
    return requests_[next_++];
  }

 private:
  const Requests& requests_;
  std::size_t next_;
};

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_REQUESTS_HPP
