// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_POSTGRES_FAULTS_HPP
#define NEXUS_IDEMPOTENCY_POSTGRES_FAULTS_HPP

// What went wrong, as the server or libpq tells it, and what that means for the caller. Messages
// of either are never passed on: they can quote values, host names and users.

#include <libpq-fe.h>

#include <string>
#include <string_view>

#include "nexus/idempotency/errors.hpp"

namespace nexus::idempotency::postgres {

// What a statement may leave behind if its answer is lost.
enum class Effect { none, committed };

struct Fault {
  std::string sqlstate;  // empty if the server gave none
  bool lost = false;     // the session is over, and how far it came isn't known
};

// Returns: the fault of a result that is an error.
[[nodiscard]] Fault fault_of(const PGresult* result);

// Returns: the SQLSTATE at the end of a message that libpq wrote under PQERRORS_SQLSTATE, else "".
[[nodiscard]] std::string sqlstate_in(std::string_view message);

// Returns: whether the same statement may well succeed if it is repeated at once (40001, 40P01).
[[nodiscard]] bool is_collision(const Fault& fault) noexcept;

// Returns: whether what was prepared in the session is gone, or is of a table that has been made
// anew since.
[[nodiscard]] bool is_stale(const Fault& fault) noexcept;

// Returns: whether the session is one that can't be written in, as after a failover.
[[nodiscard]] bool is_read_only(const Fault& fault) noexcept;

// Returns: the error of a statement.
[[nodiscard]] StoreError statement_error(const Fault& fault, Effect effect);

// Returns: the error of an attempt to connect.
[[nodiscard]] StoreError connect_error(const std::string& sqlstate, bool password_needed);

[[nodiscard]] StoreError other_version();
[[nodiscard]] StoreError not_read_committed();

}  // namespace nexus::idempotency::postgres

#endif  // NEXUS_IDEMPOTENCY_POSTGRES_FAULTS_HPP
