// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_SQLITE_SQLITE_STORE_HPP
#define NEXUS_IDEMPOTENCY_SQLITE_SQLITE_STORE_HPP

// Component sqlite: a store in an SQLite database, for the services of one machine. Its records
// outlive the process and, by default, a loss of power.

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "nexus/idempotency/detail/config.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/time.hpp"

struct sqlite3;  // a connection, as <sqlite3.h> declares it

namespace nexus::idempotency {
namespace sqlite {
class Backend;  // private
}
inline namespace v0 {

// What an acknowledged write survives.
enum class SqliteSynchronous {
  full,    // a loss of power: the log is synced to disk before a write is acknowledged
  normal,  // a crash of the process only; a loss of power may undo the last writes
};

struct SqliteStoreOptions {
  // The table's name: a letter or underscore, then letters, digits and underscores, ASCII, at most
  // 48 bytes, not beginning with "sqlite_", and no keyword of SQL.
  std::string table = "nexus_idempotency";

  SqliteSynchronous synchronous = SqliteSynchronous::full;

  // How long a call waits for its turn, be it behind threads of this process or behind other
  // processes; then it throws `contended`. More than zero.
  Duration busy_timeout = std::chrono::seconds(5);

  // How many connections for reading are kept at most. They are opened as they are needed. At
  // least one.
  std::size_t max_readers = 8;
};

// Two kinds, by constructor.
//
// *On a file*: the store opens connections of its own, one for writing and some for reading. Each
// call is one atomic step, and is durable when it returns; writes of threads that come together
// share a transaction, and so the sync that makes them durable. The database is in WAL mode; a
// claim looks before it takes the write lock, so that a replay never waits for a writer. Several
// stores, in any number of processes of one machine, may share a file; it must not be on a network
// file system.
//
// *On a connection of the caller's*: the store only executes statements on it. Inside of the
// caller's transaction, they are part of it, so that a command's effect and its record commit
// together or not at all; outside, each call is a transaction of its own. Begin such a transaction
// with BEGIN IMMEDIATE: one that has read before it writes can't always go on to write, and gets
// `contended`. Settings of the connection (journal mode, synchronous, busy timeout) are left
// alone, and how durable a write is depends on them; sqlite3_changes() and _last_insert_rowid() are
// the store's after a call. The ways to use it are in the README.
//
// Errors of every call, by what SQLite reports; native_code() is the name of its extended result
// code, such as "SQLITE_BUSY_SNAPSHOT", and empty where the store itself found out:
//   contended      SQLITE_BUSY or no turn to write within busy_timeout; SQLITE_LOCKED, _PROTOCOL
//                  and _SCHEMA
//   exhausted      SQLITE_FULL, no free reader within busy_timeout
//   unavailable    before the commit: SQLITE_IOERR, SQLITE_CANTOPEN after the first open; and
//                  SQLITE_INTERRUPT
//   in_doubt       whatever a commit reports besides SQLITE_BUSY, _FULL, _CORRUPT and _NOTADB
//   corrupt        SQLITE_CORRUPT, SQLITE_NOTADB, a row that can't be a record
//   misconfigured  no table or one of another version (see ensure_schema), a read-only database,
//                  no WAL mode; and whatever else is no matter of time
// and std::bad_alloc. The next call on a file starts with a new connection where that may help. On
// a connection of the caller's, an error of SQLite may have rolled back the whole transaction
// (sqlite3_get_autocommit tells); roll back in any case.
//
// Thread-safety: on a file, safe. On a connection of the caller's, one thread at a time, as the
// transaction is. Not to be used in a child process after fork().
class NEXUS_IDEMPOTENCY_API SqliteIdempotencyStore final : public IdempotencyStore {
 public:
  // On a file. Opens it, or creates it. Does not need the table yet.
  // Errors: InvalidValueError if an option is out of its range; StoreErrc::misconfigured if the
  // file can't be opened or put into WAL mode, or `file` is empty or ":memory:" (see
  // InMemoryIdempotencyStore); others as above.
  explicit SqliteIdempotencyStore(const std::filesystem::path& file,
                                  SqliteStoreOptions options = {});

  // On a connection of the caller's.
  // Preconditions: `connection` is open and stays so until this object is gone.
  // Errors: InvalidValueError if `table` is no name, as above.
  explicit SqliteIdempotencyStore(sqlite3* connection, std::string table = "nexus_idempotency");

  ~SqliteIdempotencyStore() override;
  SqliteIdempotencyStore(const SqliteIdempotencyStore&) = delete;
  SqliteIdempotencyStore& operator=(const SqliteIdempotencyStore&) = delete;

  // Effects: makes the table and its index if they are not there. May be called at every start, by
  // several processes at once. The statements are those of schema.sql, which is installed in
  // share/nexus_idempotency/sqlite/ for whoever would rather run them by hand.
  // Errors: StoreErrc::misconfigured if there is a table of another version; others as above.
  void ensure_schema();

  [[nodiscard]] std::optional<IdempotencyRecord> find(const IdempotencyKey& key) override;
  [[nodiscard]] ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override;
  [[nodiscard]] bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override;

  // Removes in transactions of at most 256 records, between which others get their turn.
  // On a connection of the caller's within a transaction, all of it is part of that.
  std::size_t purge_expired(Timestamp before, std::size_t limit) override;

 private:
  const std::unique_ptr<sqlite::Backend> backend_;
};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_SQLITE_SQLITE_STORE_HPP
