// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_REDIS_ADDRESS_HPP
#define NEXUS_IDEMPOTENCY_REDIS_ADDRESS_HPP

#include <cstdint>
#include <string>
#include <tuple>

namespace nexus::idempotency::redis {

// Where a server is.
struct Address {
  std::string host;
  std::uint16_t port = 0;
  std::string unix_socket;  // if not empty, instead of the others

  [[nodiscard]] friend bool operator<(const Address& a, const Address& b) {
    return std::tie(a.host, a.port, a.unix_socket) < std::tie(b.host, b.port, b.unix_socket);
  }
};

}  // namespace nexus::idempotency::redis

#endif  // NEXUS_IDEMPOTENCY_REDIS_ADDRESS_HPP
