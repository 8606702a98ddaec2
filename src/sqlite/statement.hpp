// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_SQLITE_STATEMENT_HPP
#define NEXUS_IDEMPOTENCY_SQLITE_STATEMENT_HPP

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "sqlite/errors.hpp"

namespace nexus::idempotency::sqlite {

struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

// Returns: the statement, meant to be kept and executed often.
// Errors: as of raise().
[[nodiscard]] inline Statement prepare(sqlite3* connection, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(connection, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) raise(sqlite3_extended_errcode(connection), Step::statement);
  return Statement(statement);
}

// One execution of a statement. It always ends with a reset: a statement left half-way keeps its
// read transaction open, and the log could not be emptied.
// Lifetimes: bound bytes are borrowed until the execution ends.
class Execution {
 public:
  explicit Execution(const Statement& statement) noexcept : statement_(statement.get()) {}
  ~Execution() { sqlite3_reset(statement_); }
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  // Parameters are numbered as in the text, from 1. What goes wrong is told by the next step.
  void bind(int index, std::string_view bytes) noexcept {
    // A null pointer would bind NULL, even without bytes.
    note(sqlite3_bind_blob(statement_, index, bytes.data() != nullptr ? bytes.data() : "",
                           static_cast<int>(bytes.size()), SQLITE_STATIC));
  }
  void bind(int index, std::int64_t number) noexcept {
    note(sqlite3_bind_int64(statement_, index, number));
  }
  template <class Value>
  void bind(int index, const std::optional<Value>& value) noexcept {
    if (value) {
      bind(index, *value);
    } else {
      note(sqlite3_bind_null(statement_, index));
    }
  }

  // Returns: SQLite's result: SQLITE_ROW, SQLITE_DONE or an extended error code.
  [[nodiscard]] int result() noexcept {
    if (bound_ != SQLITE_OK) return bound_;
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW || code == SQLITE_DONE) return code;
    const int extended = sqlite3_extended_errcode(sqlite3_db_handle(statement_));
    return (extended & 0xff) == (code & 0xff) ? extended : code;
  }

  // Returns: whether there is a row. Errors: as of raise().
  [[nodiscard]] bool row() {
    const int code = result();
    if (code != SQLITE_ROW && code != SQLITE_DONE) raise(code, Step::statement);
    return code == SQLITE_ROW;
  }

  // The columns of the row, numbered from 0. Lifetimes: until the next step.
  [[nodiscard]] std::string_view bytes(int column) const noexcept {
    const void* const data = sqlite3_column_blob(statement_, column);
    const int size = sqlite3_column_bytes(statement_, column);
    if (data == nullptr) return {};
    return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
  }
  [[nodiscard]] std::int64_t number(int column) const noexcept {
    return sqlite3_column_int64(statement_, column);
  }
  [[nodiscard]] bool is_null(int column) const noexcept {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }

 private:
  void note(int code) noexcept {
    if (code != SQLITE_OK && bound_ == SQLITE_OK) bound_ = code;
  }

  sqlite3_stmt* statement_;
  int bound_ = SQLITE_OK;
};

}  // namespace nexus::idempotency::sqlite

#endif  // NEXUS_IDEMPOTENCY_SQLITE_STATEMENT_HPP
