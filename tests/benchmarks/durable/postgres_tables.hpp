// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_POSTGRES_TABLES_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_POSTGRES_TABLES_HPP

#include <sched.h>

#include <cstddef>
#include <filesystem>
#include <string>

#include "benchmarks/durable/postgres_by_hand.hpp"
#include "benchmarks/support/requests.hpp"

namespace nexus::idempotency::benchmarks {

struct TableSizes {
  double heap;     // bytes a record
  double indexes;  // bytes a record
};

struct FilledSizes {
  TableSizes executed;   // as claims and completions leave it, without a vacuum
  double dead_versions;  // of rows, a record: what the server counts then
  TableSizes rewritten;  // the same records, each written once
};

// The tables that the benchmarks work on, and what is asked of the server about them.
class PostgresTables {
 public:
  // Errors of all: std::runtime_error, StoreError.
  explicit PostgresTables(const std::string& conninfo);

  // Effects: makes "ours" and "by_hand", which are the same; and, without records,
  //   "ours_purging" and "by_hand_purging". No autovacuum will come in between.
  // Returns: what the completed records take.
  FilledSizes fill(const Requests& completed, const Requests& lapsed);

  // Effects: there are as many records in this table, all of them to be purged.
  void refill_lapsed(const std::string& table, std::size_t records) const;

  // Effects: has the server's processes for its clients run on the core of this thread, or, if not
  //   `beside`, on any. With one client, which waits for its server and is waited for, they would
  //   otherwise be on one core in some slices and on two in others; and on a virtual machine,
  //   waking an idle core costs more than the round trip. Does nothing where that is not allowed.
  void keep_servers(bool beside) const;

  // Returns: bytes of the write-ahead log since the server was made.
  [[nodiscard]] double log_position() const;
  // Returns: a directory on the same disk as the server's log, in which this user may write.
  [[nodiscard]] std::filesystem::path beside_the_data() const;

 private:
  [[nodiscard]] TableSizes sizes(const std::string& table, std::size_t records) const;
  void make(const std::string& table) const;

  const std::string conninfo_;
  const PostgresConnection connection_;
  cpu_set_t all_cores_;
};

// Returns: a conninfo whose sessions don't wait for the log to be synced.
[[nodiscard]] std::string without_waiting(const std::string& conninfo);

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_POSTGRES_TABLES_HPP
