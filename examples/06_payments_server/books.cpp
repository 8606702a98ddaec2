// SPDX-License-Identifier: MIT
#include "books.hpp"

#include <cstddef>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace payments {
namespace {

// Neither records nor rows outlive the process.
class MemoryBooks final : public Books {
 public:
  explicit MemoryBooks(const IdempotencyPolicy& policy) : service_(store_, clock_, policy) {}

  IdempotencyService& service() override { return service_; }
  IdempotencyStore& store() override { return store_; }

  HttpResponse charge(const Charge& charge, HttpExecution*) override {
    const std::lock_guard lock(mutex_);
    const std::string id = "ch_" + std::to_string(rows_.size() + 1);
    rows_.push_back({id, charge});
    return receipt(id);
  }

  std::vector<LedgerRow> rows() override {
    const std::lock_guard lock(mutex_);
    return rows_;
  }

 private:
  InMemoryIdempotencyStore store_;
  SystemClock clock_;
  IdempotencyService service_;
  std::mutex mutex_;
  std::vector<LedgerRow> rows_;
};

}  // namespace

HttpResponse receipt(const std::string& id) {
  const nlohmann::ordered_json body = {{"id", id}, {"object", "charge"}};
  return {200, {{"Content-Type", "application/json"}}, body.dump()};
}

std::unique_ptr<Books> open_memory_books(const IdempotencyPolicy& policy) {
  return std::make_unique<MemoryBooks>(policy);
}

std::unique_ptr<Books> open_books(const std::string& store, const IdempotencyPolicy& policy) {
  const std::size_t colon = store.find(':');
  const std::string kind = store.substr(0, colon);
  std::string rest = colon == std::string::npos ? "" : store.substr(colon + 1);
  if (kind == "memory" && rest.empty()) return open_memory_books(policy);
  if (kind == "sqlite" && !rest.empty()) return open_sqlite_books(rest, policy);
  if (kind == "redis" && !rest.empty()) return open_redis_books(rest, policy);
  if ((kind == "postgres" || kind == "postgresql") && !rest.empty()) {
    // The whole may have been a URI.
    return open_postgres_books(rest.rfind("//", 0) == 0 ? store : rest, policy);
  }
  throw std::invalid_argument("--store: memory, sqlite:PATH, postgres:DSN or redis:URL");
}

}  // namespace payments
