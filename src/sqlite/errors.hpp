// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_SQLITE_ERRORS_HPP
#define NEXUS_IDEMPOTENCY_SQLITE_ERRORS_HPP

// From SQLite's result codes to what the caller should do.

#include <string>

#include "nexus/idempotency/errors.hpp"

namespace nexus::idempotency::sqlite {

// What was going on when SQLite reported an error, as far as it changes what the error means.
enum class Step {
  first_open,  // in a constructor: a file that can't be opened is set up wrongly
  statement,   // nothing is committed yet, so nothing has happened
  commit,      // the answer to it is lost: it may have happened
};

// Returns: the name of an extended result code, such as "SQLITE_BUSY_SNAPSHOT"; the number, if
// this library has no name for it.
[[nodiscard]] std::string result_name(int extended_code);

// Returns: what the code means, by the table in sqlite_store.hpp. Not for codes of success.
[[nodiscard]] StoreErrc meaning(int extended_code, Step step) noexcept;

// Errors: always. std::bad_alloc if SQLite had no memory, unless a commit had; else StoreError.
[[noreturn]] void raise(int extended_code, Step step);

}  // namespace nexus::idempotency::sqlite

#endif  // NEXUS_IDEMPOTENCY_SQLITE_ERRORS_HPP
