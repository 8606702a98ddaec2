// SPDX-License-Identifier: MIT
// What a test tells a worker process to do, as its arguments.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nexus::idempotency::test {

struct Orders {
  std::string engine;  // sqlite, postgres or redis
  std::string place;   // the database file, the conninfo, or the socket
  std::string log;
  std::string broken = "no";  // how the store goes wrong, see broken_store.hpp

  std::uint32_t worker = 0;   // this process's number
  std::uint32_t threads = 1;  // so many work on one store, with this and the next numbers
  std::uint64_t seed = 0;
  std::int64_t lease = 100'000;  // microseconds

  // What it does until SIGTERM: it asks for commands out of a window that moves on with time, by
  // `rate` commands a second since `since` (CLOCK_MONOTONIC, in microseconds), and is slow, fails,
  // walks away or kills itself now and then. From the command `keys` on there are no more: it asks
  // for any.
  std::int64_t since = 0;
  std::uint32_t rate = 0;
  std::uint32_t window = 1;
  std::uint32_t keys = 0;
  std::uint32_t own_crashes = 0;  // the share of executions in which it kills itself, per mille

  // Or this: it goes once through all commands below `keys`, and stays with each until it has a
  // final answer.
  std::uint32_t settle = 0;
};

[[nodiscard]] std::vector<std::string> to_arguments(const Orders& orders);

// Errors: std::invalid_argument.
[[nodiscard]] Orders parse_arguments(int count, const char* const* arguments);

// Returns: CLOCK_MONOTONIC in microseconds, which is the same for all processes.
[[nodiscard]] std::int64_t monotonic_now();

}  // namespace nexus::idempotency::test
