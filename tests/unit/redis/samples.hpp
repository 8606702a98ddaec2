// SPDX-License-Identifier: MIT
// What the tests of the Redis store put into it.
#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "support/sample_records.hpp"

namespace nexus::idempotency::test {

// Returns: where the record of that key is in the server.
inline std::string place(const std::string& prefix, std::string_view client_key = "key-1") {
  return prefix + std::string(key(client_key).encoded());
}

}  // namespace nexus::idempotency::test
