// SPDX-License-Identifier: MIT
#include "benchmarks/durable/sqlite_files.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "benchmarks/durable/operations.hpp"
#include "benchmarks/durable/sqlite_by_hand.hpp"
#include "benchmarks/support/requests.hpp"
#include "nexus/idempotency/sqlite/sqlite_store.hpp"

namespace nexus::idempotency::benchmarks {
namespace {

constexpr std::size_t in_a_transaction = 1'000;

BytesPerRecord measured(sqlite3* connection, std::size_t records) {
  const auto bytes = [&](const std::string& which) {
    return static_cast<double>(
               sqlite_number(connection, "SELECT sum(pgsize) FROM dbstat WHERE name " + which)) /
           static_cast<double>(records);
  };
  return {bytes("= 'nexus_idempotency'"),
          bytes("IN (SELECT name FROM sqlite_master WHERE type = 'index'"
                " AND tbl_name = 'nexus_idempotency')")};
}

}  // namespace

SqliteFiles::SqliteFiles() {
  std::string pattern = (std::filesystem::current_path() / "durable_sqlite.XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "mkdtemp");
  }
  directory_ = pattern;
}

SqliteFiles::~SqliteFiles() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::filesystem::path SqliteFiles::file(const std::string& name) const {
  return directory_ / name;
}

BytesPerRecord SqliteFiles::fill(const Requests& completed, const Requests& lapsed) {
  const std::filesystem::path ours = file("ours");
  const SqliteConnection connection = open_sqlite(ours);
  SqliteIdempotencyStore store(connection.get());
  store.ensure_schema();
  checkpoint("ours");
  for (const char* empty :
       {"ours_purging", "by_hand_purging", "ours_unsynced", "by_hand_unsynced"}) {
    std::filesystem::copy_file(ours, file(empty));
  }
  for (std::size_t i = 0; i < completed.size(); i += in_a_transaction) {
    const auto begin = completed.begin() + static_cast<std::ptrdiff_t>(i);
    const std::size_t count = std::min(in_a_transaction, completed.size() - i);
    run_sqlite(connection.get(), "BEGIN IMMEDIATE");
    benchmarks::fill(store, Requests(begin, begin + static_cast<std::ptrdiff_t>(count)), 1);
    run_sqlite(connection.get(), "COMMIT");
  }
  const BytesPerRecord bytes = measured(connection.get(), completed.size());
  run_sqlite(connection.get(), "BEGIN IMMEDIATE");
  fill_lapsed(store, lapsed);
  run_sqlite(connection.get(), "COMMIT");
  checkpoint("ours");
  for (const char* same : {"by_hand", "ours_replaying", "by_hand_replaying"}) {
    std::filesystem::copy_file(ours, file(same));
  }
  return bytes;
}

void SqliteFiles::refill_lapsed(const std::string& name, std::size_t records) const {
  const SqliteConnection connection = open_sqlite(file(name));
  const std::string sql =
      "BEGIN IMMEDIATE; DELETE FROM nexus_idempotency;"
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
      std::to_string(records) +
      ") INSERT INTO nexus_idempotency (tenant, operation, client_key, status, fingerprint,"
      " attempt_token, fence, result, created_at, last_transition_at, expires_at)"
      " SELECT CAST('tenant-1234' AS BLOB), CAST('payments.charge' AS BLOB),"
      " CAST(hex(randomblob(18)) AS BLOB), 1, CAST(hex(randomblob(32)) AS BLOB),"
      " CAST(hex(randomblob(16)) AS BLOB), i, zeroblob(256), i, i, i FROM n; COMMIT";
  run_sqlite(connection.get(), sql.c_str());
  run_sqlite(connection.get(), "PRAGMA wal_checkpoint(TRUNCATE)");
}

void SqliteFiles::checkpoint(const std::string& name) const {
  const SqliteConnection connection = open_sqlite(file(name));
  run_sqlite(connection.get(), "PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace nexus::idempotency::benchmarks
