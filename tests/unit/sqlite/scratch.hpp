// SPDX-License-Identifier: MIT
// A file of its own for each test, and plain connections to look into it and get in its way.
#pragma once

#include <sqlite3.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

namespace nexus::idempotency::test {

// A directory that is gone with this object, and the name of a database in it.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "idempotency-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory_ = name;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] std::filesystem::path file() const { return directory_ / "store.db"; }

 private:
  std::filesystem::path directory_;
};

struct CloseSqlite {
  void operator()(sqlite3* connection) const { sqlite3_close(connection); }
};
using Connection = std::unique_ptr<sqlite3, CloseSqlite>;

// Effects: executes statements. Errors: std::runtime_error with SQLite's message.
inline void execute(const Connection& connection, const std::string& sql) {
  if (sqlite3_exec(connection.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sql + ": " + sqlite3_errmsg(connection.get()));
  }
}

// Returns: a caller's connection, set up as a careful caller would.
inline Connection open_connection(const std::filesystem::path& file) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open(file.c_str(), &opened);
  Connection connection(opened);
  if (code != SQLITE_OK) throw std::runtime_error("cannot open the scratch database");
  sqlite3_busy_timeout(opened, 5000);
  execute(connection, "PRAGMA journal_mode = WAL");
  return connection;
}

// Returns: the first column of the first row, as text; "" for NULL.
inline std::string ask(const Connection& connection, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(connection.get(), sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sql + ": " + sqlite3_errmsg(connection.get()));
  }
  std::string answer;
  if (sqlite3_step(statement) == SQLITE_ROW) {
    const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    if (text != nullptr) answer = text;
  }
  sqlite3_finalize(statement);
  return answer;
}

}  // namespace nexus::idempotency::test
