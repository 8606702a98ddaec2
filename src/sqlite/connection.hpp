// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_SQLITE_CONNECTION_HPP
#define NEXUS_IDEMPOTENCY_SQLITE_CONNECTION_HPP

#include <filesystem>
#include <memory>
#include <string>

#include "nexus/idempotency/sqlite/sqlite_store.hpp"
#include "sqlite/errors.hpp"
#include "sqlite/patience.hpp"

namespace nexus::idempotency::sqlite {

// What it takes to open a connection.
struct Place {
  std::string file;  // an absolute path in UTF-8
  SqliteSynchronous synchronous;
};

// Returns: the place, whatever the working directory is later.
// Errors: StoreErrc::misconfigured if `file` does not name a file.
[[nodiscard]] Place place_of(const std::filesystem::path& file, SqliteSynchronous synchronous);

struct CloseConnection {
  void operator()(sqlite3* connection) const noexcept;
};
using Connection = std::unique_ptr<sqlite3, CloseConnection>;

// Returns: a connection in WAL mode, which waits for locks as long as `*patience` lasts; not at
// all if that is null. Both pointers are read whenever it waits.
// `step` is first_open in a constructor: then the file is made if it is not there.
// Errors: as of raise().
[[nodiscard]] Connection open(const Place& place, Step step, Patience** patience);

}  // namespace nexus::idempotency::sqlite

#endif  // NEXUS_IDEMPOTENCY_SQLITE_CONNECTION_HPP
