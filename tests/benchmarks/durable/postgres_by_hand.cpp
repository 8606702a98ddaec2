// SPDX-License-Identifier: MIT
#include "benchmarks/durable/postgres_by_hand.hpp"

#include <endian.h>
#include <libpq-fe.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "benchmarks/durable/by_hand.hpp"
#include "benchmarks/durable/supply.hpp"
#include "benchmarks/support/requests.hpp"

namespace nexus::idempotency::benchmarks {
namespace {

// Parameters in binary format.
template <std::size_t Count>
class Parameters {
 public:
  Parameters& bytes(std::string_view value) {
    values_[at_] = value.data();
    lengths_[at_++] = static_cast<int>(value.size());
    return *this;
  }
  Parameters& null() {
    values_[at_++] = nullptr;
    return *this;
  }
  Parameters& bigint(std::int64_t value) {
    const std::uint64_t big_endian = htobe64(static_cast<std::uint64_t>(value));
    return number(&big_endian, sizeof big_endian);
  }
  Parameters& smallint(std::int64_t value) {
    const std::uint16_t big_endian = htobe16(static_cast<std::uint16_t>(value));
    return number(&big_endian, sizeof big_endian);
  }
  Parameters& key(std::string_view client_key) {
    return bytes(tenant).bytes(operation).bytes(client_key);
  }

  // Returns: the result, which has one row.
  PostgresResult execute(PGconn* connection, const char* statement) {
    formats_.fill(1);
    PostgresResult result(PQexecPrepared(connection, statement, static_cast<int>(at_),
                                         values_.data(), lengths_.data(), formats_.data(), 1));
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK || PQntuples(result.get()) > 1) {
      throw std::runtime_error(PQerrorMessage(connection));
    }
    return result;
  }

 private:
  Parameters& number(const void* big_endian, std::size_t size) {
    std::memcpy(numbers_[at_].data(), big_endian, size);
    return bytes({numbers_[at_].data(), size});
  }

  std::array<const char*, Count> values_;
  std::array<int, Count> lengths_{};
  std::array<int, Count> formats_;
  std::array<std::array<char, 8>, Count> numbers_;
  std::size_t at_ = 0;
};

std::int64_t bigint(const char* bytes) {
  std::uint64_t big_endian;
  std::memcpy(&big_endian, bytes, sizeof big_endian);
  return static_cast<std::int64_t>(be64toh(big_endian));
}
std::int32_t integer(const char* bytes) {
  std::uint32_t big_endian;
  std::memcpy(&big_endian, bytes, sizeof big_endian);
  return static_cast<std::int32_t>(be32toh(big_endian));
}
std::int64_t smallint(const char* bytes) {
  std::uint16_t big_endian;
  std::memcpy(&big_endian, bytes, sizeof big_endian);
  return static_cast<std::int16_t>(be16toh(big_endian));
}

// The fields of a row of the table: a record in one column, or each in a column of its own.
struct Field {
  const char* bytes;
  int length;  // -1: null
};
using Fields = std::array<Field, 11>;  // in the order of schema.sql

std::string text(const Field& field) {
  return {field.bytes, static_cast<std::size_t>(field.length)};
}

RawRecord record_of(const Fields& fields) {
  RawRecord record{smallint(fields[4].bytes), text(fields[8]), text(fields[9]),
                   bigint(fields[0].bytes),   std::nullopt,    bigint(fields[1].bytes),
                   bigint(fields[2].bytes),   std::nullopt};
  if (fields[3].length >= 0) record.expires_at = bigint(fields[3].bytes);
  if (fields[10].length >= 0) record.result = text(fields[10]);
  return record;
}

Fields fields_of_record(const char* bytes) {
  Fields fields;
  if (integer(bytes) != static_cast<std::int32_t>(fields.size())) {
    throw std::runtime_error("the table has other columns");
  }
  bytes += 4;
  for (Field& field : fields) {
    field.length = integer(bytes + 4);  // after the type
    field.bytes = bytes + 8;
    bytes += 8 + (field.length > 0 ? field.length : 0);
  }
  return fields;
}

bool boolean(const PostgresResult& result) {
  return *PQgetvalue(result.get(), 0, 0) != 0;
}

}  // namespace

PostgresConnection open_postgres(const std::string& conninfo) {
  PostgresConnection connection(PQconnectdb(conninfo.c_str()));
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    throw std::runtime_error(PQerrorMessage(connection.get()));
  }
  PQsetErrorVerbosity(connection.get(), PQERRORS_TERSE);
  return connection;
}

void run_postgres(PGconn* connection, const std::string& sql) {
  const PostgresResult result(PQexec(connection, sql.c_str()));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    throw std::runtime_error(PQerrorMessage(connection));
  }
}

double postgres_number(PGconn* connection, const std::string& sql) {
  const PostgresResult result(PQexec(connection, sql.c_str()));
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK || PQntuples(result.get()) != 1) {
    throw std::runtime_error(PQerrorMessage(connection));
  }
  return std::stod(PQgetvalue(result.get(), 0, 0));
}

PostgresByHand::PostgresByHand(const std::string& conninfo, const std::string& table,
                               const std::string& settings) {
  const std::string prepare =
      settings +
      // As the store's by default: the server sets a timer for each statement.
      "SET statement_timeout = 5000; SET lock_timeout = 2000;"
      // As the store does: no plan that is right only while the table is small.
      "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off;"
      "PREPARE claim AS SELECT r FROM " +
      table +
      " AS r WHERE r.tenant = $1 AND r.operation = $2 AND r.client_key = $3"
      " UNION ALL SELECT " +
      table +
      "_claim($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) LIMIT 1;"
      "PREPARE save AS SELECT " +
      table +
      "_save($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16);"
      "PREPARE purge AS SELECT " +
      table +
      "_purge($1, $2);"
      "PREPARE find AS SELECT fence, created_at, last_transition_at, expires_at, status, tenant,"
      " operation, client_key, fingerprint, attempt_token, result FROM " +
      table +
      " WHERE tenant = $1 AND operation = $2 AND client_key = $3;"
      "PREPARE nothing AS SELECT 1";
  for (std::size_t thread = 0; thread < max_threads; ++thread) {
    connections_.push_back(open_postgres(conninfo));
    run_postgres(connections_.back().get(), prepare);
  }
}

std::optional<RawRecord> PostgresByHand::claim(std::size_t thread, const RawClaim& claim) {
  const PostgresResult result = Parameters<11>()
                                    .key(claim.client_key)
                                    .smallint(raw_pending)
                                    .bytes(claim.fingerprint)
                                    .bytes(claim.token)
                                    .bigint(claim.fence)
                                    .null()
                                    .bigint(claim.now)
                                    .bigint(claim.now)
                                    .bigint(claim.expires_at)
                                    .execute(connections_[thread].get(), "claim");
  if (PQgetisnull(result.get(), 0, 0) != 0) return std::nullopt;
  return record_of(fields_of_record(PQgetvalue(result.get(), 0, 0)));
}

bool PostgresByHand::complete(std::size_t thread, const RawClaim& claim, std::string_view result,
                              std::int64_t now, std::int64_t expires_at) {
  return boolean(Parameters<16>()
                     .bytes(claim.token)
                     .bytes(claim.fingerprint)
                     .smallint(raw_pending)
                     .smallint(0)  // whatever the deadline
                     .bigint(now)
                     .key(claim.client_key)
                     .smallint(raw_completed)
                     .bytes(claim.fingerprint)
                     .bytes(claim.token)
                     .bigint(claim.fence)
                     .bytes(result)
                     .bigint(claim.now)
                     .bigint(now)
                     .bigint(expires_at)
                     .execute(connections_[thread].get(), "save"));
}

bool PostgresByHand::take_over(std::size_t thread, const RawRecord& judged, const RawClaim& claim) {
  return boolean(Parameters<16>()
                     .bytes(judged.token)
                     .bytes(judged.fingerprint)
                     .smallint(judged.status)
                     .smallint(2)  // lapsed
                     .bigint(claim.now)
                     .key(claim.client_key)
                     .smallint(raw_pending)
                     .bytes(claim.fingerprint)
                     .bytes(claim.token)
                     .bigint(claim.fence)
                     .null()
                     .bigint(claim.now)
                     .bigint(claim.now)
                     .bigint(claim.expires_at)
                     .execute(connections_[thread].get(), "save"));
}

std::size_t PostgresByHand::purge(std::size_t thread, std::int64_t before, std::int64_t limit) {
  const PostgresResult result =
      Parameters<2>().bigint(before).bigint(limit).execute(connections_[thread].get(), "purge");
  return static_cast<std::size_t>(bigint(PQgetvalue(result.get(), 0, 0)));
}

std::optional<RawRecord> PostgresByHand::find(std::size_t thread, const RawClaim& claim) {
  const PostgresResult result =
      Parameters<3>().key(claim.client_key).execute(connections_[thread].get(), "find");
  if (PQntuples(result.get()) == 0) return std::nullopt;
  Fields fields;
  for (int i = 0; i < static_cast<int>(fields.size()); ++i) {
    const bool null = PQgetisnull(result.get(), 0, i) != 0;
    fields[static_cast<std::size_t>(i)] = {PQgetvalue(result.get(), 0, i),
                                           null ? -1 : PQgetlength(result.get(), 0, i)};
  }
  return record_of(fields);
}

void PostgresByHand::round_trip(std::size_t thread) {
  Parameters<1>().execute(connections_[thread].get(), "nothing");
}

}  // namespace nexus::idempotency::benchmarks
