// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_SQLITE_FILES_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_SQLITE_FILES_HPP

#include <cstddef>
#include <filesystem>
#include <string>

#include "benchmarks/support/requests.hpp"

namespace nexus::idempotency::benchmarks {

struct BytesPerRecord {
  double table;
  double indexes;
};

// The databases, in a directory of their own within the current one, which goes with this object.
class SqliteFiles {
 public:
  // Errors: std::system_error.
  SqliteFiles();
  ~SqliteFiles();
  SqliteFiles(const SqliteFiles&) = delete;
  SqliteFiles& operator=(const SqliteFiles&) = delete;

  [[nodiscard]] std::filesystem::path file(const std::string& name) const;

  // Effects: makes "ours" and "by_hand", which are the same, as are those that end in _replaying;
  //   and, without records, those that end in _purging and _unsynced. Returns: what the completed
  //   records take. Errors: std::runtime_error, as below.
  BytesPerRecord fill(const Requests& completed, const Requests& lapsed);

  // Effects: as many records of this file are to be purged. Its log is empty then.
  void refill_lapsed(const std::string& name, std::size_t records) const;

  // Effects: moves the log of this file into the database.
  void checkpoint(const std::string& name) const;

 private:
  std::filesystem::path directory_;
};

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_SQLITE_FILES_HPP
