// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_REDIS_SCRIPT_HPP
#define NEXUS_IDEMPOTENCY_REDIS_SCRIPT_HPP

#include <string_view>

namespace nexus::idempotency::redis {

// A text in Lua, and the name by which a server calls it once it has seen it.
struct Script {
  std::string_view sha1;  // in hexadecimal
  std::string_view text;
};

}  // namespace nexus::idempotency::redis

#endif  // NEXUS_IDEMPOTENCY_REDIS_SCRIPT_HPP
