// SPDX-License-Identifier: MIT
#include "crash/stored.hpp"

#include <libpq-fe.h>
#include <sqlite3.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "crash/commands.hpp"
#include "nexus/idempotency/record.hpp"

namespace nexus::idempotency::test {
namespace {

std::uint32_t number_of(const std::string& client_key) {
  return static_cast<std::uint32_t>(std::stoul(client_key));
}

// `result`: nothing if the column is null.
Settled settled(long long status, long long fence, std::optional<std::string_view> result) {
  std::string outcome = "none";
  if (result) outcome = result->empty() ? "omitted" : describe(*result);
  return {static_cast<RecordStatus>(status), static_cast<std::uint64_t>(fence), outcome};
}

std::string_view blob(sqlite3_stmt* statement, int column) {
  const auto* const bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
}

}  // namespace

Answers read_by_store(IdempotencyQuery& store, std::uint32_t keys) {
  Answers answers;
  for (std::uint32_t number = 0; number < keys; ++number) {
    if (const std::optional<IdempotencyRecord> record = store.find(command_key(number))) {
      answers[number] = {record->status, record->fence, describe(record->result)};
    }
  }
  return answers;
}

Answers read_by_sqlite(const std::string& file) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
  const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> connection(opened, &sqlite3_close);
  if (code != SQLITE_OK) throw std::runtime_error("the database can't be opened");
  const auto prepared = [&](const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(opened, sql, -1, &statement, nullptr) != SQLITE_OK) {
      throw std::runtime_error(sqlite3_errmsg(opened));
    }
    return std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>(statement, &sqlite3_finalize);
  };

  const auto check = prepared("PRAGMA integrity_check");
  if (sqlite3_step(check.get()) != SQLITE_ROW || blob(check.get(), 0) != "ok") {
    throw std::runtime_error("the database is damaged");
  }
  const auto select = prepared("SELECT client_key, status, fence, result FROM nexus_idempotency");
  Answers answers;
  int step = SQLITE_ROW;
  while ((step = sqlite3_step(select.get())) == SQLITE_ROW) {
    std::optional<std::string_view> result;
    if (sqlite3_column_type(select.get(), 3) != SQLITE_NULL) result = blob(select.get(), 3);
    answers[number_of(std::string(blob(select.get(), 0)))] = settled(
        sqlite3_column_int64(select.get(), 1), sqlite3_column_int64(select.get(), 2), result);
  }
  if (step != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(opened));
  return answers;
}

Answers read_by_libpq(const std::string& conninfo) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(conninfo.c_str()),
                                                                &PQfinish);
  const std::unique_ptr<PGresult, decltype(&PQclear)> rows(
      PQexec(connection.get(),
             "SELECT convert_from(client_key, 'UTF8'), status, fence, result"
             " FROM nexus_idempotency"),
      &PQclear);
  if (PQresultStatus(rows.get()) != PGRES_TUPLES_OK) {
    throw std::runtime_error(PQerrorMessage(connection.get()));
  }
  Answers answers;
  for (int row = 0; row < PQntuples(rows.get()); ++row) {
    const auto text = [&](int column) { return std::string(PQgetvalue(rows.get(), row, column)); };
    std::optional<std::string_view> result;
    std::string bytes;
    if (PQgetisnull(rows.get(), row, 3) == 0) {
      const std::string hex = text(3);  // "\x", then two digits a byte
      for (std::size_t at = 2; at + 1 < hex.size(); at += 2) {
        bytes += static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16));
      }
      result = bytes;
    }
    answers[number_of(text(0))] = settled(std::stoll(text(1)), std::stoll(text(2)), result);
  }
  return answers;
}

}  // namespace nexus::idempotency::test
