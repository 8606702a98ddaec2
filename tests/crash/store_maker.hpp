// SPDX-License-Identifier: MIT
// The store that a process works on.
#pragma once

#include <memory>
#include <string>

#include "nexus/idempotency/ports.hpp"

namespace nexus::idempotency::test {

// Opens the store, and calls ensure_schema if it has that. `engine` and `place` as in Orders.
// Errors: StoreError; std::invalid_argument if there is no such engine.
[[nodiscard]] std::unique_ptr<IdempotencyStore> open_store(const std::string& engine,
                                                           const std::string& place);

}  // namespace nexus::idempotency::test
