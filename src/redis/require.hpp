// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_REDIS_REQUIRE_HPP
#define NEXUS_IDEMPOTENCY_REDIS_REQUIRE_HPP

#include <string>

#include "nexus/idempotency/errors.hpp"

namespace nexus::idempotency::redis {

// Errors: InvalidValueError, which says `what` is required of the options, unless it is `right`.
inline void require(bool right, const char* what) {
  if (!right) throw InvalidValueError("RedisStoreOptions: " + std::string(what));
}

}  // namespace nexus::idempotency::redis

#endif  // NEXUS_IDEMPOTENCY_REDIS_REQUIRE_HPP
