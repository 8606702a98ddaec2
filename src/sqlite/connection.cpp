// SPDX-License-Identifier: MIT
#include "sqlite/connection.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>

#include "sqlite/statement.hpp"

namespace nexus::idempotency::sqlite {
namespace {

// Called by SQLite when another connection has the lock, with the number of calls before.
// Returns: whether to try again. Short sleeps: SQLite's own handler soon sleeps for 100 ms at a
// time, in which a lock that is free every few hundred microseconds goes to others for seconds.
int wait_for_lock(void* context, int times) {
  Patience* const patience = *static_cast<Patience**>(context);
  if (patience == nullptr) return 0;
  const auto left = patience->end() - Patience::Clock::now();
  if (left <= Patience::Clock::duration::zero()) return 0;
  using std::chrono::microseconds;
  const microseconds sleep(std::min(50 << std::min(times, 5), 1000));
  std::this_thread::sleep_for(std::min<Patience::Clock::duration>(sleep, left));
  return 1;
}

void execute(sqlite3* connection, Step step, const char* sql) {
  const int code = sqlite3_exec(connection, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) raise(sqlite3_extended_errcode(connection), step);
}

// Effects: puts the database into WAL mode, which it keeps.
void use_wal(sqlite3* connection, Step step, Patience** patience) {
  for (int times = 0;; ++times) {
    const Statement statement = prepare(connection, "PRAGMA main.journal_mode = WAL");
    Execution execution(statement);
    const int code = execution.result();
    if (code == SQLITE_ROW) {
      const std::string_view mode = execution.bytes(0);
      if (mode == "wal") return;
      throw StoreError(StoreErrc::misconfigured, "the SQLite database can't be put into WAL mode");
    }
    // SQLite does not wait here in every case: several processes may do this to a new file.
    if ((code & 0xff) != SQLITE_BUSY || wait_for_lock(static_cast<void*>(patience), times) == 0) {
      raise(code, step);
    }
  }
}

}  // namespace

Place place_of(const std::filesystem::path& file, SqliteSynchronous synchronous) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(file, error);
  const std::u8string text = absolute.u8string();
  if (error || file.empty() || file == ":memory:" || text.find(u8'\0') != text.npos) {
    throw StoreError(StoreErrc::misconfigured, "the store in SQLite needs the name of a file");
  }
  // Absolute, it is never taken for a URI ("file:..."), whatever SQLite is set to.
  return {std::string(text.begin(), text.end()), synchronous};
}

void CloseConnection::operator()(sqlite3* connection) const noexcept {
  sqlite3_close_v2(connection);
}

Connection open(const Place& place, Step step, Patience** patience) {
  if (sqlite3_threadsafe() == 0) {
    throw StoreError(StoreErrc::misconfigured, "this SQLite is built without support for threads");
  }
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  if (step == Step::first_open) flags |= SQLITE_OPEN_CREATE;
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(place.file.c_str(), &opened, flags, nullptr);
  Connection connection(opened);
  if (code != SQLITE_OK) {
    raise(opened != nullptr ? sqlite3_extended_errcode(opened) : SQLITE_NOMEM, step);
  }
  sqlite3_busy_handler(opened, &wait_for_lock, static_cast<void*>(patience));
  if (sqlite3_db_readonly(opened, "main") == 1) raise(SQLITE_READONLY, step);
  use_wal(opened, step, patience);
  execute(opened, step,
          place.synchronous == SqliteSynchronous::full ? "PRAGMA synchronous = FULL"
                                                       : "PRAGMA synchronous = NORMAL");
  execute(opened, step, "PRAGMA trusted_schema = OFF");
  return connection;
}

}  // namespace nexus::idempotency::sqlite
