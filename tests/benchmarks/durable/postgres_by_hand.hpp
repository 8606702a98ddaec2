// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_POSTGRES_BY_HAND_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_POSTGRES_BY_HAND_HPP

// What an expert would write for one service with libpq: a connection per thread, prepared
// statements, everything in binary format, one round trip a call. The functions that the server
// runs are those of schema.sql.

#include <libpq-fe.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/durable/by_hand.hpp"

namespace nexus::idempotency::benchmarks {

struct PostgresCloser {
  void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using PostgresConnection = std::unique_ptr<PGconn, PostgresCloser>;
using PostgresResult = std::unique_ptr<PGresult, PostgresCloser>;

// Errors of all: std::runtime_error.
[[nodiscard]] PostgresConnection open_postgres(const std::string& conninfo);
void run_postgres(PGconn* connection, const std::string& sql);
// Returns: the number in the first row and column.
[[nodiscard]] double postgres_number(PGconn* connection, const std::string& sql);

class PostgresByHand {
 public:
  // Preconditions: `table` and its functions are there. `settings`: of each session, as SQL.
  PostgresByHand(const std::string& conninfo, const std::string& table,
                 const std::string& settings = "");

  // Of all: no two calls at the same time have the same `thread`.

  // Returns: nothing if the key is claimed now; else what is there.
  std::optional<RawRecord> claim(std::size_t thread, const RawClaim& claim);
  // Returns: whether the claim stood, and is completed now.
  bool complete(std::size_t thread, const RawClaim& claim, std::string_view result,
                std::int64_t now, std::int64_t expires_at);
  // Returns: whether the record was still the lapsed one that was judged, and is claimed now.
  bool take_over(std::size_t thread, const RawRecord& judged, const RawClaim& claim);
  std::size_t purge(std::size_t thread, std::int64_t before, std::int64_t limit);

  // Reads a record by its primary key; what a replay can't be cheaper than.
  std::optional<RawRecord> find(std::size_t thread, const RawClaim& claim);
  // One round trip that asks for nothing.
  void round_trip(std::size_t thread);

 private:
  std::vector<PostgresConnection> connections_;
};

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_POSTGRES_BY_HAND_HPP
