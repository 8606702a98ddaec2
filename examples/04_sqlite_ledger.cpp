// SPDX-License-Identifier: MIT
// A charge and its idempotency record, committed together in one SQLite database: whatever happens
// between two statements, there is a row in the ledger if and only if the record says "completed".
//
//   04_sqlite_ledger [database]
//
// Run it twice on the same database: the second run charges nothing.
#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nexus/idempotency.hpp>
#include <nexus/idempotency/sqlite/sqlite_store.hpp>
#include <stdexcept>
#include <string>
#include <variant>

namespace {

using namespace nexus::idempotency;

// The application's own database code, as small as it gets.
class Database {
 public:
  explicit Database(const std::filesystem::path& file) {
    const int opened = sqlite3_open(file.c_str(), &connection_);
    connection_owner_.reset(connection_);
    if (opened != SQLITE_OK) throw std::runtime_error("can't open the database");
    sqlite3_busy_timeout(connection_, 5000);
    run("PRAGMA synchronous = FULL");
  }

  [[nodiscard]] sqlite3* connection() const { return connection_; }

  void run(const std::string& sql) {
    if (sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
      throw std::runtime_error(sqlite3_errmsg(connection_));
    }
  }

  // Runs a statement with one text and one number, and returns the number in its first row.
  std::int64_t run(const char* sql, const std::string& text, std::int64_t number) {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(connection_, sql, -1, &raw, nullptr) != SQLITE_OK) {
      throw std::runtime_error(sqlite3_errmsg(connection_));
    }
    const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> statement(raw,
                                                                               &sqlite3_finalize);
    sqlite3_bind_text(raw, 1, text.c_str(), -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(raw, 2, number);
    const int stepped = sqlite3_step(raw);
    if (stepped == SQLITE_ROW) return sqlite3_column_int64(raw, 0);
    if (stepped != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(connection_));
    return 0;
  }

 private:
  sqlite3* connection_ = nullptr;
  std::unique_ptr<sqlite3, decltype(&sqlite3_close)> connection_owner_{nullptr, &sqlite3_close};
};

// A transaction that writes: rolled back unless it is committed.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) {
    database_.run("BEGIN IMMEDIATE");
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    if (!committed_) sqlite3_exec(database_.connection(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  void commit() {
    database_.run("COMMIT");
    committed_ = true;
  }

 private:
  Database& database_;
  bool committed_ = false;
};

struct Order {
  std::string id;  // the client sends it with every retry of the order
  std::int64_t cents;
};

IdempotencyKey key_of(const Order& order) {
  return {TenantId("acct_7"), OperationRef("ledger.charge"), ClientKey(order.id)};
}
RequestFingerprint fingerprint_of(const Order& order) {
  return RequestFingerprint("cents=" + std::to_string(order.cents));
}

// [snippet]
// Everything in one transaction: for an effect that is nothing but rows. `service` works on a store
// over `database`'s own connection.
std::string charge(Database& database, IdempotencyService& service, const Order& order) {
  Transaction transaction(database);
  const BeginDecision decision = service.begin(key_of(order), fingerprint_of(order));
  if (const auto* replay = std::get_if<Replay>(&decision)) {
    return "replayed: " + std::string(replay->result.payload());
  }
  const auto* first = std::get_if<FirstExecution>(&decision);
  if (first == nullptr) return "refused";

  const std::int64_t row = database.run(
      "INSERT INTO ledger (order_id, cents) VALUES (?, ?) RETURNING id", order.id, order.cents);
  const std::string receipt = "row " + std::to_string(row);
  service.complete(first->attempt, ResultEnvelope(receipt));
  transaction.commit();
  return "charged: " + receipt;
}

// The claim first, in a transaction of its own; then the outcome, together with the rows that it
// made: for an effect that is also outside of this database, and may take long. `claims` works on a
// store on the file, `outcomes` on a store over `database`'s connection.
std::string charge_card(Database& database, IdempotencyService& claims,
                        IdempotencyService& outcomes, const Order& order) {
  const BeginDecision decision = claims.begin(key_of(order), fingerprint_of(order));
  if (const auto* replay = std::get_if<Replay>(&decision)) {
    return "replayed: " + std::string(replay->result.payload());
  }
  const auto* first = std::get_if<FirstExecution>(&decision);
  if (first == nullptr) return "refused";

  // Here the card is charged, with `first->attempt.fence` or the order's id as the provider's own
  // idempotency key. Nothing is locked meanwhile; duplicates are told InProgress.

  Transaction transaction(database);
  const std::int64_t row = database.run(
      "INSERT INTO ledger (order_id, cents) VALUES (?, ?) RETURNING id", order.id, order.cents);
  const std::string receipt = "row " + std::to_string(row);
  outcomes.complete(first->attempt, ResultEnvelope(receipt));  // throws if another took over
  transaction.commit();                                        // then nothing of this is kept
  return "charged: " + receipt;
}
// [/snippet]

bool tour(const std::filesystem::path& file) {
  SystemClock clock;
  SqliteIdempotencyStore store_on_file(file);
  store_on_file.ensure_schema();
  Database database(file);
  database.run(
      "CREATE TABLE IF NOT EXISTS ledger (id INTEGER PRIMARY KEY, order_id TEXT NOT NULL, cents "
      "INTEGER NOT NULL)");
  SqliteIdempotencyStore store_on_connection(database.connection());
  IdempotencyService claims(store_on_file, clock);
  IdempotencyService outcomes(store_on_connection, clock);

  for (const Order& order :
       {Order{"order-1", 1000}, Order{"order-2", 250}, Order{"order-1", 1000}}) {
    std::cout << order.id << ": " << charge(database, outcomes, order) << '\n';
  }

  // A process that dies before it commits leaves nothing: the retry finds the key free.
  const Order third{"order-3", 99};
  {
    Transaction transaction(database);
    const BeginDecision decision = outcomes.begin(key_of(third), fingerprint_of(third));
    if (std::holds_alternative<FirstExecution>(decision)) {
      database.run("INSERT INTO ledger (order_id, cents) VALUES (?, ?)", third.id, third.cents);
      std::cout << third.id << ": rolled back\n";
    }
  }
  std::cout << third.id << ": " << charge(database, outcomes, third) << '\n';

  const Order fourth{"order-4", 5};
  std::cout << fourth.id << ": " << charge_card(database, claims, outcomes, fourth) << '\n';
  std::cout << fourth.id << ": " << charge_card(database, claims, outcomes, fourth) << '\n';

  const std::int64_t rows =
      database.run("SELECT count(*) FROM ledger WHERE order_id <> ? AND cents <> ?", "", 0);
  std::cout << "4 orders, " << rows << " rows in the ledger\n";
  return rows == 4;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc > 1) return tour(argv[1]) ? EXIT_SUCCESS : EXIT_FAILURE;
    std::string directory = (std::filesystem::temp_directory_path() / "ledger.XXXXXX").string();
    if (mkdtemp(directory.data()) == nullptr) throw std::runtime_error("no temporary directory");
    const std::filesystem::path file = std::filesystem::path(directory) / "ledger.db";
    const bool right = tour(file) && tour(file);
    std::filesystem::remove_all(directory);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
  } catch (const std::exception& error) {
    std::cerr << "04_sqlite_ledger: " << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
