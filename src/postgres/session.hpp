// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_POSTGRES_SESSION_HPP
#define NEXUS_IDEMPOTENCY_POSTGRES_SESSION_HPP

// What statements are executed on, be it a connection of the store's or of the caller's.

#include <string>

#include "postgres/faults.hpp"
#include "postgres/libpq.hpp"
#include "postgres/parameters.hpp"

namespace nexus::idempotency::postgres {

// What came back: a result, or a fault.
struct Reply {
  Result result;  // null if there is a fault
  Fault fault;
};

class Session {
 public:
  virtual ~Session() = default;

  // A text of one or more statements, by the simple protocol: the last result, in text format.
  [[nodiscard]] virtual Reply run(const std::string& text) = 0;

  // One statement that isn't prepared: its result, in binary format.
  [[nodiscard]] virtual Reply run_with(const char* text, const Parameters& parameters) = 0;
};

}  // namespace nexus::idempotency::postgres

#endif  // NEXUS_IDEMPOTENCY_POSTGRES_SESSION_HPP
