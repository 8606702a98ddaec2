// SPDX-License-Identifier: MIT
// Stands in for nexus/idempotency/detail/keyed_hash.hpp, so that a test can say where in the
// in-memory store a key goes: the store's own hash is secret and random, and the interesting cases
// (one long run of keys, a run across the end of a table) would take years to turn up. Include it
// before any header of the library. A program that does so must do it in all of its files.
#pragma once

#ifdef NEXUS_IDEMPOTENCY_DETAIL_KEYED_HASH_HPP
#error "crafted_hash.hpp must come before the headers of the library"
#endif
#define NEXUS_IDEMPOTENCY_DETAIL_KEYED_HASH_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nexus::idempotency {
namespace test {

// Returns: n of numbered_key(n), from its encoding ["tenant","operation","n"].
inline std::uint64_t number_in(std::string_view encoded_key) noexcept {
  std::uint64_t number = 0;
  for (const char c : encoded_key) {
    if (c >= '0' && c <= '9') number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return number;
}

// The store takes the part of itself that a key belongs to from the highest byte of its hash, and
// the place in that part's table from the lowest bits.

// All keys have one hash: one run from the first place of the first table.
inline std::uint64_t all_at_the_start(std::uint64_t) noexcept {
  return 0;
}
// The same from the last place on, across the end.
inline std::uint64_t all_at_the_end(std::uint64_t) noexcept {
  return ~std::uint64_t{0};
}
// Runs that begin at the last five places and cross the end.
inline std::uint64_t around_the_end(std::uint64_t number) noexcept {
  return ~std::uint64_t{0} - number % 5;
}
// One table, and all over it.
inline std::uint64_t all_over_one_table(std::uint64_t number) noexcept {
  return number * 0x9E3779B97F4A7C15 >> 8;
}
// All over the store.
inline std::uint64_t all_over(std::uint64_t number) noexcept {
  return number * 0x9E3779B97F4A7C15 ^ number * 0xBF58476D1CE4E5B9 << 32;
}

// Which of them is in use. Keys must keep their hash, so change it before a store is used only.
inline std::uint64_t (*crafted_hash)(std::uint64_t number) noexcept = &all_over;

}  // namespace test

inline namespace v0 {
namespace detail {

class KeyedHash {
 public:
  KeyedHash() noexcept {}
  [[nodiscard]] std::uint64_t operator()(std::string_view encoded_key) const noexcept {
    return test::crafted_hash(test::number_in(encoded_key));
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace nexus::idempotency
