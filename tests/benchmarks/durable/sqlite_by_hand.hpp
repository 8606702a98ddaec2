// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_SQLITE_BY_HAND_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_SQLITE_BY_HAND_HPP

// What an expert would write for one service with SQLite's own API: one connection for writing
// behind a mutex, one for reading per thread, prepared statements, each write one statement and so
// a transaction of its own, and a look before the write lock is taken.

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "benchmarks/durable/by_hand.hpp"

namespace nexus::idempotency::benchmarks {

struct SqliteCloser {
  void operator()(sqlite3* connection) const noexcept { sqlite3_close_v2(connection); }
  void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using SqliteConnection = std::unique_ptr<sqlite3, SqliteCloser>;
using SqliteStatement = std::unique_ptr<sqlite3_stmt, SqliteCloser>;

// Errors of all: std::runtime_error.
[[nodiscard]] SqliteConnection open_sqlite(const std::filesystem::path& file);
[[nodiscard]] SqliteStatement prepare_sqlite(sqlite3* connection, std::string_view sql);
void run_sqlite(sqlite3* connection, const char* sql);
[[nodiscard]] std::int64_t sqlite_number(sqlite3* connection, std::string_view sql);

class SqliteByHand {
 public:
  // Preconditions: the file has the store's table. `synchronous`: FULL or NORMAL.
  SqliteByHand(const std::filesystem::path& file, const char* synchronous);

  // Of all: no two calls at the same time have the same `thread`.

  // Returns: nothing if the key is claimed now; else what is there.
  std::optional<RawRecord> claim(std::size_t thread, const RawClaim& claim);
  // The same without looking first; what most people write.
  std::optional<RawRecord> claim_by_insert(const RawClaim& claim);
  // Returns: whether the claim stood, and is completed now.
  bool complete(std::size_t thread, const RawClaim& claim, std::string_view result,
                std::int64_t now, std::int64_t expires_at);
  // Returns: whether the record was still the lapsed one that was judged, and is claimed now.
  bool take_over(std::size_t thread, const RawRecord& judged, const RawClaim& claim);
  std::size_t purge(std::size_t thread, std::int64_t before, std::int64_t limit);

 private:
  struct Reader {
    SqliteConnection connection;
    SqliteStatement find;
  };

  std::vector<Reader> readers_;
  std::mutex writing_;
  SqliteConnection writer_;
  SqliteStatement find_;
  SqliteStatement insert_;
  SqliteStatement complete_;
  SqliteStatement take_over_;
  SqliteStatement purge_;
};

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_SQLITE_BY_HAND_HPP
