// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_REDIS_REDIRECTION_HPP
#define NEXUS_IDEMPOTENCY_REDIS_REDIRECTION_HPP

// Errors by which a cluster's node sends a call on to another node. It did nothing itself.

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "redis/address.hpp"
#include "redis/hiredis.hpp"

namespace nexus::idempotency::redis {

struct Redirection {
  bool only_once;  // ASK: the slot is still the node's own, but this key is not there any more
  Address to;
};

// Returns: what a message such as "MOVED 3999 127.0.0.1:6381" says; nothing if it says no such
// thing. `from`: who said it; without a host, or with "?" for one, it means its own.
[[nodiscard]] inline std::optional<Redirection> redirection_in(std::string_view message,
                                                               const Address& from) {
  const std::string_view code = code_of(message);
  if (code != "MOVED" && code != "ASK") return std::nullopt;
  const std::string_view place = message.substr(message.rfind(' ') + 1);
  const std::size_t colon = place.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view host = place.substr(0, colon);
  const std::string_view port = place.substr(colon + 1);
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size() || number == 0) return std::nullopt;
  const bool is_own = host.empty() || host == "?";
  return Redirection{code == "ASK", Address{is_own ? from.host : std::string(host), number, {}}};
}

}  // namespace nexus::idempotency::redis

#endif  // NEXUS_IDEMPOTENCY_REDIS_REDIRECTION_HPP
