// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_REDIS_SLOT_HPP
#define NEXUS_IDEMPOTENCY_REDIS_SLOT_HPP

// In which of a cluster's slots a key is.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nexus::idempotency::redis {

inline constexpr std::size_t slot_count = 16384;

// CRC-16/XMODEM: polynomial 0x1021, from 0, nothing reflected.
[[nodiscard]] constexpr std::uint16_t crc16(std::string_view bytes) noexcept {
  unsigned crc = 0;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned>(static_cast<unsigned char>(byte)) << 8U;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 0x8000U) != 0 ? crc << 1U ^ 0x1021U : crc << 1U;
    }
    crc &= 0xFFFFU;
  }
  return static_cast<std::uint16_t>(crc);
}

// Only what is between the first '{' and the next '}' counts, if there is anything.
[[nodiscard]] constexpr std::size_t slot_of(std::string_view key) noexcept {
  const std::size_t open = key.find('{');
  if (open != std::string_view::npos) {
    const std::size_t close = key.find('}', open + 1);
    if (close != std::string_view::npos && close > open + 1) {
      key = key.substr(open + 1, close - open - 1);
    }
  }
  return crc16(key) % slot_count;
}

}  // namespace nexus::idempotency::redis

#endif  // NEXUS_IDEMPOTENCY_REDIS_SLOT_HPP
