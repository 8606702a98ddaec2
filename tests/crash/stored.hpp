// SPDX-License-Identifier: MIT
// What lies in a store, read in two ways that share no code: through a store object, and by SQL or
// commands on a plain connection to the engine.
#pragma once

#include <cstdint>
#include <string>

#include "crash/judge.hpp"
#include "nexus/idempotency/ports.hpp"

namespace nexus::idempotency::test {

// Returns: the records of the commands below `keys`.
[[nodiscard]] Answers read_by_store(IdempotencyQuery& store, std::uint32_t keys);

// Return: all records. Errors: std::runtime_error, also if SQLite finds the file damaged.
[[nodiscard]] Answers read_by_sqlite(const std::string& file);
[[nodiscard]] Answers read_by_libpq(const std::string& conninfo);
[[nodiscard]] Answers read_by_hiredis(const std::string& socket);

}  // namespace nexus::idempotency::test
