// SPDX-License-Identifier: MIT
#include "benchmarks/durable/postgres_tables.hpp"

#include <libpq-fe.h>
#include <sched.h>

#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "benchmarks/durable/operations.hpp"
#include "benchmarks/durable/postgres_by_hand.hpp"
#include "benchmarks/support/requests.hpp"
#include "nexus/idempotency/postgres/postgres_store.hpp"

namespace nexus::idempotency::benchmarks {
namespace {

std::string text(PGconn* connection, const std::string& sql) {
  const PostgresResult result(PQexec(connection, sql.c_str()));
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK || PQntuples(result.get()) != 1) {
    throw std::runtime_error(PQerrorMessage(connection));
  }
  return PQgetvalue(result.get(), 0, 0);
}

}  // namespace

std::string without_waiting(const std::string& conninfo) {
  return conninfo + " options='-c synchronous_commit=off'";
}

PostgresTables::PostgresTables(const std::string& conninfo)
    : conninfo_(conninfo), connection_(open_postgres(conninfo)) {
  CPU_ZERO(&all_cores_);
  sched_getaffinity(0, sizeof all_cores_, &all_cores_);
}

FilledSizes PostgresTables::fill(const Requests& completed, const Requests& lapsed) {
  for (const char* table : {"ours", "by_hand", "ours_purging", "by_hand_purging"}) make(table);
  PGconn* const connection = connection_.get();
  FilledSizes filled{};
  PostgresIdempotencyStore ours(without_waiting(conninfo_), {.table = "ours"});
  benchmarks::fill(ours, completed, 2);
  filled.executed = sizes("ours", completed.size());
  // A session hands its counts in with its end at the latest.
  run_postgres(connection, "SELECT pg_stat_force_next_flush()");
  filled.dead_versions =
      postgres_number(connection,
                      "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'ours'") /
      static_cast<double>(completed.size());
  // Both tables alike, each row written once and in the same order.
  run_postgres(connection,
               "INSERT INTO by_hand SELECT * FROM ours; TRUNCATE ours;"
               "INSERT INTO ours SELECT * FROM by_hand");
  filled.rewritten = sizes("ours", completed.size());
  fill_lapsed(ours, lapsed);
  run_postgres(connection, "INSERT INTO by_hand SELECT * FROM ours WHERE status = 0");
  run_postgres(connection, "VACUUM ANALYZE ours");
  run_postgres(connection, "VACUUM ANALYZE by_hand");
  run_postgres(connection, "CHECKPOINT");
  return filled;
}

void PostgresTables::refill_lapsed(const std::string& table, std::size_t records) const {
  run_postgres(connection_.get(),
               "TRUNCATE " + table + "; INSERT INTO " + table +
                   " (fence, created_at, last_transition_at, expires_at, status, tenant, operation,"
                   " client_key, fingerprint, attempt_token, result)"
                   " SELECT i, i, i, i, 1, 'tenant-1234', 'payments.charge',"
                   " gen_random_uuid()::text::bytea, (md5(i::text) || md5(i::text))::bytea,"
                   " md5(i::text)::bytea, repeat('r', 256)::bytea FROM generate_series(1, " +
                   std::to_string(records) + ") AS i");
  run_postgres(connection_.get(), "VACUUM ANALYZE " + table);
}

void PostgresTables::keep_servers(bool beside) const {
  cpu_set_t cores = all_cores_;
  if (beside) sched_getaffinity(0, sizeof cores, &cores);
  const PostgresResult result(PQexec(
      connection_.get(), "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"));
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    sched_setaffinity(std::stoi(PQgetvalue(result.get(), row, 0)), sizeof cores, &cores);
  }
}

double PostgresTables::log_position() const {
  return postgres_number(connection_.get(), "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn");
}

std::filesystem::path PostgresTables::beside_the_data() const {
  return std::filesystem::path(text(connection_.get(), "SHOW data_directory")).parent_path();
}

TableSizes PostgresTables::sizes(const std::string& table, std::size_t records) const {
  const auto bytes = [&](const std::string& function) {
    return postgres_number(connection_.get(), "SELECT " + function + "('" + table + "')") /
           static_cast<double>(records);
  };
  return {bytes("pg_table_size"), bytes("pg_indexes_size")};
}

void PostgresTables::make(const std::string& table) const {
  PostgresIdempotencyStore(conninfo_, {.table = table}).ensure_schema();
  run_postgres(connection_.get(), "ALTER TABLE " + table + " SET (autovacuum_enabled = off)");
}

}  // namespace nexus::idempotency::benchmarks
