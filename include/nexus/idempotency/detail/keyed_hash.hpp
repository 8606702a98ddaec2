// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_DETAIL_KEYED_HASH_HPP
#define NEXUS_IDEMPOTENCY_DETAIL_KEYED_HASH_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "nexus/idempotency/detail/random_bytes.hpp"
#include "nexus/idempotency/detail/words.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace detail {

// A 64-bit hash keyed by 256 random bits of its own, so that clients who choose keys can't choose
// collisions: folded 128-bit products, in the manner of wyhash, with every constant secret. Each
// store has its own; its values mean nothing outside it.
class KeyedHash {
 public:
  KeyedHash() { fill_random(secret_.data(), sizeof secret_); }

  [[nodiscard]] std::uint64_t operator()(std::string_view text) const noexcept {
    std::uint64_t state = secret_[0];
    const char* bytes = text.data();
    const std::size_t size = text.size();
    if (size < 16) {
      char padded[16] = {};
      for (std::size_t i = 0; i < size; ++i) padded[i] = bytes[i];
      state = mix(state, padded);
    } else {
      for (std::size_t i = 0; i + 16 < size; i += 16) state = mix(state, bytes + i);
      state = mix(state, bytes + size - 16);
    }
    return fold(state ^ secret_[2], size ^ secret_[3]);
  }

 private:
  std::uint64_t mix(std::uint64_t state, const char* bytes) const noexcept {
    return fold(load_word(bytes) ^ secret_[1], load_word(bytes + 8) ^ state);
  }

  static std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
    __extension__ using Product = unsigned __int128;
    const Product product = static_cast<Product>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }

  std::array<std::uint64_t, 4> secret_;
};

}  // namespace detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_DETAIL_KEYED_HASH_HPP
