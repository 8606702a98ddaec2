// SPDX-License-Identifier: MIT
// The ledger and the records in one PostgreSQL database: a row is there if and only if its record
// says "completed", whichever of the servers that share the database is killed, and whenever.
#include <libpq-fe.h>

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <nexus/idempotency/postgres/postgres_store.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "books.hpp"

namespace payments {
namespace {

using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

// The application's own database code, as small as it gets; and the store on its connection.
class Session {
 public:
  Session(const std::string& dsn, IdempotencyClock& clock, const IdempotencyPolicy& policy)
      : connection_(PQconnectdb(dsn.c_str()), &PQfinish),
        store_(connection_.get()),
        outcomes_(store_, clock, policy) {
    // What libpq says may hold host names and users: it is not passed on.
    if (!works()) throw std::runtime_error("can't connect to the database");
    run("SET client_min_messages = warning");
  }

  [[nodiscard]] IdempotencyService& outcomes() { return outcomes_; }
  [[nodiscard]] bool works() const {
    return PQstatus(connection_.get()) == CONNECTION_OK &&
           PQtransactionStatus(connection_.get()) == PQTRANS_IDLE;
  }
  [[nodiscard]] bool in_transaction() const {
    return PQtransactionStatus(connection_.get()) == PQTRANS_INTRANS;
  }

  Result run(const char* sql) { return checked(PQexec(connection_.get(), sql)); }

  Result insert(const Charge& charge) {
    // Lengths count for what is sent as binary: the body, which may hold any byte.
    const std::array<const char*, 4> values = {charge.tenant.c_str(), charge.operation.c_str(),
                                               charge.key.c_str(), charge.body.data()};
    const std::array<int, 4> lengths = {0, 0, 0, static_cast<int>(charge.body.size())};
    const std::array<int, 4> formats = {0, 0, 0, 1};
    return checked(PQexecParams(connection_.get(),
                                "INSERT INTO ledger (tenant, operation, client_key, body) VALUES "
                                "($1, $2, $3, $4::bytea) RETURNING id",
                                4, nullptr, values.data(), lengths.data(), formats.data(), 0));
  }

  // Every value in binary: texts and bytea are their bytes.
  Result select(const char* sql) {
    return checked(PQexecParams(connection_.get(), sql, 0, nullptr, nullptr, nullptr, nullptr, 1));
  }

 private:
  static Result checked(PGresult* raw) {
    Result result(raw, &PQclear);
    const ExecStatusType status = PQresultStatus(raw);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      throw std::runtime_error("a statement on the ledger failed");
    }
    return result;
  }

  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
  PostgresIdempotencyStore store_;
  IdempotencyService outcomes_;
};

// Rolled back unless it is committed.
class Transaction {
 public:
  explicit Transaction(Session& session) : session_(session) {
    session_.run("BEGIN ISOLATION LEVEL READ COMMITTED");
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    try {
      if (!committed_) session_.run("ROLLBACK");
    } catch (const std::exception&) {
      // The connection is gone, and the transaction with it.
    }
  }
  void commit() {
    // To COMMIT, a transaction that has failed is rolled back without an error.
    if (!session_.in_transaction()) throw std::runtime_error("the transaction has failed");
    session_.run("COMMIT");
    committed_ = true;
  }

 private:
  Session& session_;
  bool committed_ = false;
};

std::string text_of(const Result& result, int row, int column) {
  return {PQgetvalue(result.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result.get(), row, column))};
}

class PostgresBooks final : public Books {
 public:
  PostgresBooks(const std::string& dsn, const IdempotencyPolicy& policy)
      : dsn_(dsn), policy_(policy), store_(dsn), claims_(store_, clock_, policy) {
    store_.ensure_schema();
    with_session([](Session& session) {
      Transaction transaction(session);
      // Of two that make one table at once, the second fails, IF NOT EXISTS or not.
      session.run("SELECT pg_advisory_xact_lock(hashtext('payments ledger'))");
      session.run(
          "CREATE TABLE IF NOT EXISTS ledger (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
          "tenant text NOT NULL, operation text NOT NULL, client_key text NOT NULL, body bytea NOT "
          "NULL)");
      transaction.commit();
    });
  }

  IdempotencyService& service() override { return claims_; }
  IdempotencyStore& store() override { return store_; }

  // The claim was made on a connection of the store's own, and is committed: nothing is locked by
  // it. The row and the outcome are committed together on this one. Whatever is thrown, even if
  // the answer to COMMIT is lost: what the caller then reports as a failure is refused if the
  // record says "completed".
  HttpResponse charge(const Charge& charge, HttpExecution* execution) override {
    HttpResponse response;
    with_session([&](Session& session) {
      Transaction transaction(session);
      const Result inserted = session.insert(charge);
      response = receipt("ch_" + text_of(inserted, 0, 0));
      if (execution != nullptr) {
        session.outcomes().complete(*execution->attempt(), execution->envelope(response));
      }
      transaction.commit();
    });
    if (execution != nullptr) execution->mark_recorded();
    return response;
  }

  std::vector<LedgerRow> rows() override {
    std::vector<LedgerRow> rows;
    with_session([&](Session& session) {
      const Result all = session.select(
          "SELECT id::text, tenant, operation, client_key, body FROM ledger ORDER BY id");
      for (int i = 0; i < PQntuples(all.get()); ++i) {
        rows.push_back(
            {"ch_" + text_of(all, i, 0),
             {text_of(all, i, 1), text_of(all, i, 2), text_of(all, i, 3), text_of(all, i, 4)}});
      }
    });
    return rows;
  }

 private:
  // A session that was used before, or a new one. There are never more than threads that need one.
  template <class Work>
  void with_session(Work work) {
    std::unique_ptr<Session> session;
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        session = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (!session) session = std::make_unique<Session>(dsn_, clock_, policy_);
    work(*session);  // after an exception it is closed: whatever went wrong with it is over
    const std::lock_guard lock(mutex_);
    if (session->works()) idle_.push_back(std::move(session));
  }

  const std::string dsn_;
  const IdempotencyPolicy policy_;
  SystemClock clock_;
  PostgresIdempotencyStore store_;
  IdempotencyService claims_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Session>> idle_;
};

}  // namespace

std::unique_ptr<Books> open_postgres_books(const std::string& dsn,
                                           const IdempotencyPolicy& policy) {
  return std::make_unique<PostgresBooks>(dsn, policy);
}

}  // namespace payments
