// SPDX-License-Identifier: MIT
// Both kinds of the store in PostgreSQL, for the conformance suite.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "nexus/idempotency/postgres/postgres_store.hpp"
#include "nexus/idempotency/testing/store_fixture.hpp"
#include "support/conformance.hpp"
#include "support/postgres_server.hpp"

namespace nexus::idempotency::test {

// What makes a table of that name, in place of ensure_schema().
using MakeTable = std::function<void(const std::string& table)>;

// Each case has a table of its own.
class PooledFixture final : public testing::StoreFixture {
 public:
  explicit PooledFixture(std::string conninfo = postgres_conninfo(),
                         PostgresStoreOptions options = {}, std::string schema = "",
                         MakeTable make_table = nullptr)
      : conninfo_(std::move(conninfo)),
        options_(std::move(options)),
        schema_(std::move(schema)),
        make_table_(std::move(make_table)) {}

  std::unique_ptr<IdempotencyStore> make_store() override {
    options_.table = schema_ + fresh_name();
    if (make_table_) make_table_(options_.table);
    return connect();
  }
  std::unique_ptr<IdempotencyStore> connect() override {
    auto store = std::make_unique<PostgresIdempotencyStore>(conninfo_, options_);
    store->ensure_schema();
    return store;
  }

 private:
  std::string conninfo_;
  PostgresStoreOptions options_;
  std::string schema_;
  MakeTable make_table_;
};

// On a connection that is in no transaction.
using BorrowingStore = OneAtATime<PostgresIdempotencyStore, Sql>;

class BorrowedFixture final : public testing::StoreFixture {
 public:
  explicit BorrowedFixture(std::string conninfo = postgres_conninfo(),
                           MakeTable make_table = nullptr)
      : conninfo_(std::move(conninfo)), make_table_(std::move(make_table)) {}

  std::unique_ptr<IdempotencyStore> make_store() override {
    table_ = fresh_name();
    if (make_table_) make_table_(table_);
    return connect();
  }
  std::unique_ptr<IdempotencyStore> connect() override {
    return std::make_unique<BorrowingStore>(Sql(conninfo_), table_);
  }

 private:
  std::string conninfo_;
  MakeTable make_table_;
  std::string table_;
};

}  // namespace nexus::idempotency::test
