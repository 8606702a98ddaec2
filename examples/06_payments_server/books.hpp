// SPDX-License-Identifier: MIT
// Where the server keeps what it must not forget: the ledger, a row for each charge; and the
// idempotency records that go with it.
#ifndef PAYMENTS_BOOKS_HPP
#define PAYMENTS_BOOKS_HPP

#include <memory>
#include <nexus/idempotency.hpp>
#include <nexus/idempotency/http/http_idempotency.hpp>
#include <string>
#include <vector>

namespace payments {

using namespace nexus::idempotency;

struct Charge {
  std::string tenant;
  std::string operation;
  std::string key;
  std::string body;
};

struct LedgerRow {
  std::string id;
  Charge charge;
};

// Safe for any number of threads.
class Books {
 public:
  Books() = default;
  Books(const Books&) = delete;
  Books& operator=(const Books&) = delete;
  virtual ~Books() = default;

  // Claims, and what is not recorded with a row.
  virtual IdempotencyService& service() = 0;
  // What the service keeps them in.
  virtual IdempotencyStore& store() = 0;

  // Appends the row. Books that can do both in one transaction record the receipt in it too, and
  // mark the execution as recorded. An exception means that there is no row.
  // `execution`: nullptr if nothing keeps the charge from being made again.
  virtual HttpResponse charge(const Charge& charge, HttpExecution* execution) = 0;

  // Every row, in the order in which they were appended.
  virtual std::vector<LedgerRow> rows() = 0;
};

// What a client is told of its charge.
HttpResponse receipt(const std::string& id);

std::unique_ptr<Books> open_memory_books(const IdempotencyPolicy& policy);
std::unique_ptr<Books> open_sqlite_books(const std::string& path, const IdempotencyPolicy& policy);
std::unique_ptr<Books> open_postgres_books(const std::string& dsn, const IdempotencyPolicy& policy);
std::unique_ptr<Books> open_redis_books(const std::string& url, const IdempotencyPolicy& policy);

// `store`: "memory", "sqlite:PATH", "postgres:DSN" or "redis:URL".
// Throws std::invalid_argument if it is none of them.
std::unique_ptr<Books> open_books(const std::string& store, const IdempotencyPolicy& policy);

}  // namespace payments

#endif  // PAYMENTS_BOOKS_HPP
