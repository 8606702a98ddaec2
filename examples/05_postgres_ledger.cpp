// SPDX-License-Identifier: MIT
// A charge and its idempotency record, committed together in one PostgreSQL database: whatever
// happens between two statements, there is a row in the ledger if and only if the record says
// "completed". And two workers at once, of which one waits and gets the other's answer.
//
//   05_postgres_ledger "host=... dbname=... user=..."
//
// Run it twice on the same database: the second run charges nothing.
#include <libpq-fe.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <nexus/idempotency.hpp>
#include <nexus/idempotency/postgres/postgres_store.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>

namespace {

using namespace nexus::idempotency;

// The application's own database code, as small as it gets.
class Database {
 public:
  explicit Database(const std::string& conninfo)
      : connection_(PQconnectdb(conninfo.c_str()), &PQfinish) {
    if (PQstatus(connection_.get()) != CONNECTION_OK) {
      throw std::runtime_error(PQerrorMessage(connection_.get()));
    }
    run("SET client_min_messages = warning");
  }

  [[nodiscard]] PGconn* connection() const { return connection_.get(); }

  // Runs a statement with up to two texts, and returns the first value of its first row, if any.
  std::string run(const char* sql, const std::string& first = {}, const std::string& second = {}) {
    const char* const values[] = {first.c_str(), second.c_str()};
    const int count = second.empty() ? 0 : 2;
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(
        PQexecParams(connection_.get(), sql, count, nullptr, values, nullptr, nullptr, 0),
        &PQclear);
    const ExecStatusType status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      throw std::runtime_error(PQerrorMessage(connection_.get()));
    }
    return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
  }

 private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

// Rolled back unless it is committed.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) {
    database_.run("BEGIN ISOLATION LEVEL READ COMMITTED");
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    if (!committed_) PQclear(PQexec(database_.connection(), "ROLLBACK"));
  }
  void commit() {
    // To COMMIT, a transaction that has failed is rolled back without an error.
    if (PQtransactionStatus(database_.connection()) != PQTRANS_INTRANS) {
      throw std::runtime_error("the transaction has failed");
    }
    database_.run("COMMIT");
    committed_ = true;
  }

 private:
  Database& database_;
  bool committed_ = false;
};

struct Order {
  std::string id;  // the client sends it with every retry of the order
  std::string cents;
};

IdempotencyKey key_of(const Order& order) {
  return {TenantId("acct_7"), OperationRef("ledger.charge"), ClientKey(order.id)};
}
RequestFingerprint fingerprint_of(const Order& order) {
  return RequestFingerprint("cents=" + order.cents);
}
std::string insert_row(Database& database, const Order& order) {
  return "row " +
         database.run("INSERT INTO ledger (order_id, cents) VALUES ($1, $2::bigint) RETURNING id",
                      order.id, order.cents);
}

// Everything in one transaction: for an effect that is nothing but rows. `service` works on a store
// over `database`'s own connection. A second caller of the same key waits until this one has
// committed or rolled back, at most its own lock_timeout.
std::string charge(Database& database, IdempotencyService& service, const Order& order) {
  Transaction transaction(database);
  const BeginDecision decision = service.begin(key_of(order), fingerprint_of(order));
  if (const auto* replay = std::get_if<Replay>(&decision)) {
    return "replayed: " + std::string(replay->result.payload());
  }
  const auto* first = std::get_if<FirstExecution>(&decision);
  if (first == nullptr) return "refused";

  const std::string receipt = insert_row(database, order);
  service.complete(first->attempt, ResultEnvelope(receipt));
  transaction.commit();
  return "charged: " + receipt;
}

// [snippet]
// The claim first, in a transaction of its own; then the outcome, together with the rows that it
// made: for an effect that is also outside of this database, and may take long. `claims` works on a
// store with connections of its own, `outcomes` on a store over `database`'s connection.
std::string charge_card(Database& database, IdempotencyService& claims,
                        IdempotencyService& outcomes, const Order& order) {
  const BeginDecision decision = claims.begin(key_of(order), fingerprint_of(order));
  if (const auto* replay = std::get_if<Replay>(&decision)) {
    return "replayed: " + std::string(replay->result.payload());
  }
  const auto* first = std::get_if<FirstExecution>(&decision);
  if (first == nullptr) return "refused";

  // Here the card is charged, with the order's id as the provider's own idempotency key. Nothing is
  // locked meanwhile; duplicates are told InProgress.

  Transaction transaction(database);
  const std::string receipt = insert_row(database, order);
  outcomes.complete(first->attempt, ResultEnvelope(receipt));  // throws if another took over;
  transaction.commit();                                        // then no row is kept
  return "charged: " + receipt;
}
// [/snippet]

bool tour(const std::string& conninfo) {
  SystemClock clock;
  PostgresIdempotencyStore store(conninfo);
  store.ensure_schema();
  IdempotencyService claims(store, clock);

  Database database(conninfo);
  database.run(
      "CREATE TABLE IF NOT EXISTS ledger (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
      " order_id text NOT NULL, cents bigint NOT NULL)");
  PostgresIdempotencyStore store_on_connection(database.connection());
  IdempotencyService outcomes(store_on_connection, clock);

  for (const Order& order : {Order{"order-1", "1000"}, {"order-2", "250"}, {"order-1", "1000"}}) {
    std::cout << order.id << ": " << charge(database, outcomes, order) << '\n';
  }

  // A process that dies before it commits leaves nothing: the retry finds the key free.
  const Order third{"order-3", "99"};
  {
    Transaction transaction(database);
    const BeginDecision decision = outcomes.begin(key_of(third), fingerprint_of(third));
    if (std::holds_alternative<FirstExecution>(decision)) {
      insert_row(database, third);
      std::cout << third.id << ": rolled back\n";
    }
  }
  std::cout << third.id << ": " << charge(database, outcomes, third) << '\n';

  // The same order from two workers at once: the second waits for the first one's commit.
  const Order fourth{"order-4", "5"};
  std::string other;
  std::thread worker([&] {
    try {
      Database own(conninfo);
      PostgresIdempotencyStore own_store(own.connection());
      IdempotencyService own_service(own_store, clock);
      other = charge(own, own_service, fourth);
    } catch (const std::exception& error) {
      other = error.what();
    }
  });
  std::optional<std::string> mine;
  try {
    mine = charge(database, outcomes, fourth);
  } catch (const std::exception& error) {
    mine = error.what();
  }
  worker.join();
  std::cout << fourth.id << ": " << *mine << "; " << other << '\n';

  const Order fifth{"order-5", "77"};
  std::cout << fifth.id << ": " << charge_card(database, claims, outcomes, fifth) << '\n';
  std::cout << fifth.id << ": " << charge_card(database, claims, outcomes, fifth) << '\n';

  const std::string rows = database.run("SELECT count(*) FROM ledger");
  std::cout << "5 orders, " << rows << " rows in the ledger\n";
  return rows == "5";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: 05_postgres_ledger <conninfo>\n";
    return 2;
  }
  try {
    return tour(argv[1]) && tour(argv[1]) ? EXIT_SUCCESS : EXIT_FAILURE;
  } catch (const std::exception& error) {
    std::cerr << "05_postgres_ledger: " << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
