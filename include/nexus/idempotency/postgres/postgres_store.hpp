// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_POSTGRES_POSTGRES_STORE_HPP
#define NEXUS_IDEMPOTENCY_POSTGRES_POSTGRES_STORE_HPP

// Component postgres: a store in a PostgreSQL database (12 or later), for services on any number
// of hosts. Its records outlive processes and, with the server's defaults, crashes of the server.

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "nexus/idempotency/detail/config.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/time.hpp"

struct pg_conn;  // PGconn, as <libpq-fe.h> declares it

namespace nexus::idempotency {
inline namespace v0 {

// All durations are rounded up to milliseconds, and must be more than zero.
struct PostgresStoreOptions {
  // The table's name, or "schema.name". Each part: a lower-case letter or underscore, then those
  // and digits, ASCII, at most 48 bytes, and no reserved word. Without a schema the connection's
  // search_path decides; name it where others may create tables in a schema of that path.
  std::string table = "nexus_idempotency";

  // How many connections are kept at most; they are opened as they are needed. At least one. Each
  // takes three file descriptors of the process.
  std::size_t pool_size = 8;
  // How long a call waits for a free connection; then it throws `exhausted`.
  Duration pool_timeout = std::chrono::seconds(5);
  // How long an attempt to connect may take, over all hosts of the conninfo; then `unavailable`.
  // Looking up a host name is not cut short: give hostaddr where that may hang.
  Duration connect_timeout = std::chrono::seconds(5);
  // How long the server may work at one statement; then `contended`. If there is no answer a
  // second after that, the connection is given up: `in_doubt`, for a read `unavailable`.
  Duration statement_timeout = std::chrono::seconds(5);
  // How long a statement waits for another transaction's lock; then `contended`.
  Duration lock_timeout = std::chrono::seconds(2);

  // Whether to prepare the statements once a connection. Set it to false behind PgBouncer in
  // transaction mode: then nothing is kept in the server's session, neither statements nor
  // settings. The server's own statement_timeout and lock_timeout are then those of the role
  // (ALTER ROLE ... SET), while this side still gives up after statement_timeout and a second. If
  // the role's default_transaction_isolation isn't READ COMMITTED, each call takes three round
  // trips (BEGIN, the call, COMMIT) instead of one; if a host vanishes in between, the server ends
  // the transaction, and with it the lock, after statement_timeout.
  bool prepare = true;
};

// Two kinds, by constructor.
//
// *On a conninfo string*: the store keeps a pool of connections. Each call is one round trip and a
// transaction of its own, READ COMMITTED whatever the server's default, and as durable as the
// server's synchronous_commit says. A connection that broke while it was idle is replaced without
// an error, any other by the next call. A serialization failure or a deadlock is tried again, three
// times, before it is told. Every wait has an end.
//
// *On a connection of the caller's*: the store only executes statements on it. Inside of the
// caller's transaction, they are part of it, so that a command's effect and its record commit
// together or not at all; outside, each call is a transaction of its own. The transaction must be
// READ COMMITTED; any other is refused before anything is done, and not aborted by that. Outside of
// one, the session's default isolation does not matter (if it is another, a call takes three round
// trips). Its timeouts are those of the connection's session; the one for a host that vanishes in a
// transaction is idle_in_transaction_session_timeout. Nothing is prepared or set. After any error
// of the server's, the transaction is aborted, as after any statement's. The ways to use it are in
// the README.
//
// Errors of every call; native_code() is the SQLSTATE if the server gave one:
//   contended      a lock or statement timeout (55P03, 57014); a serialization failure or deadlock
//                  (40001, 40P01) that came back; the caller's transaction is already aborted
//   exhausted      no free connection within pool_timeout; no file descriptors left to wait for a
//                  new one with; the server is out of connections, memory or disk (class 53)
//   unavailable    no connection could be made, also for want of a socket; the connection was lost
//                  in a read, or in the caller's transaction, which is then gone; the server is
//                  starting, stopping, or a standby
//   in_doubt       the connection was lost, or given up, after a write had been sent, also if the
//                  server said why (57P01)
//   corrupt        a row that can't be a record; damaged data (class XX)
//   misconfigured  no table or functions, or of another version (see ensure_schema); no
//                  permission, no such database, wrong password; the caller's transaction isn't
//                  READ COMMITTED; and whatever else is no matter of time
// and std::bad_alloc. An attempt to connect that the server refuses is judged by its SQLSTATE; all
// that libpq refuses by itself, but for a password that is missing, is `unavailable`.
//
// Thread-safety: on a conninfo string, safe. On a connection of the caller's, one thread at a time,
// as the connection is. Not to be used in a child process after fork().
class NEXUS_IDEMPOTENCY_API PostgresIdempotencyStore final : public IdempotencyStore {
 public:
  // On connections of its own. Connects to nothing yet: a server that is down is an error of the
  // first call, and of none after it is up.
  // `conninfo`: what libpq takes, a URI or "host=... dbname=...". It is in no message.
  // Errors: InvalidValueError if an option is out of its range; StoreErrc::misconfigured if libpq
  // can't parse `conninfo`.
  explicit PostgresIdempotencyStore(const std::string& conninfo, PostgresStoreOptions options = {});

  // On a connection of the caller's.
  // Preconditions: `connection` is open, blocking and not in pipeline mode while a call runs, and
  // stays open until this object is gone.
  // Errors: InvalidValueError if `table` is no name, as above.
  explicit PostgresIdempotencyStore(pg_conn* connection, std::string table = "nexus_idempotency");

  ~PostgresIdempotencyStore() override;
  PostgresIdempotencyStore(const PostgresIdempotencyStore&) = delete;
  PostgresIdempotencyStore& operator=(const PostgresIdempotencyStore&) = delete;

  // Effects: makes the table, its index and its functions if they are not there. May be called at
  // every start, by several processes at once; if all is there, it changes and locks nothing. The
  // statements are those of schema.sql, which is installed in share/nexus_idempotency/postgres/ for
  // whoever would rather run them by hand, or grant this role less.
  // Errors: StoreErrc::misconfigured if there is a table of another version; others as above.
  void ensure_schema();

  [[nodiscard]] std::optional<IdempotencyRecord> find(const IdempotencyKey& key) override;
  [[nodiscard]] ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override;
  [[nodiscard]] bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override;

  // Removes in statements of at most 1,000 records, passing over those that others have locked,
  // such as another purge's: those are left to them, and not counted.
  std::size_t purge_expired(Timestamp before, std::size_t limit) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_POSTGRES_POSTGRES_STORE_HPP
