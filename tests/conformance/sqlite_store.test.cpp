// SPDX-License-Identifier: MIT
// The store in SQLite under the conformance suite: every way to set it up.
#include "nexus/idempotency/sqlite/sqlite_store.hpp"

#include <memory>
#include <string>
#include <utility>

#include "nexus/idempotency/testing/store_fixture.hpp"
#include "support/catch.hpp"
#include "support/conformance.hpp"
#include "unit/sqlite/scratch.hpp"

namespace {

using namespace nexus::idempotency;
using test::check_conformance;
using test::open_connection;
using test::Scratch;

class FileFixture final : public testing::StoreFixture {
 public:
  explicit FileFixture(SqliteStoreOptions options) : options_(std::move(options)) {}

  std::unique_ptr<IdempotencyStore> make_store() override {
    scratch_ = std::make_unique<Scratch>();
    return connect();
  }
  std::unique_ptr<IdempotencyStore> connect() override {
    auto store = std::make_unique<SqliteIdempotencyStore>(scratch_->file(), options_);
    store->ensure_schema();
    return store;
  }

 private:
  const SqliteStoreOptions options_;
  std::unique_ptr<Scratch> scratch_;
};

// On a connection that is in no transaction.
using BorrowingStore = test::OneAtATime<SqliteIdempotencyStore, test::Connection>;

class BorrowedFixture final : public testing::StoreFixture {
 public:
  std::unique_ptr<IdempotencyStore> make_store() override {
    scratch_ = std::make_unique<Scratch>();
    return connect();
  }
  std::unique_ptr<IdempotencyStore> connect() override {
    return std::make_unique<BorrowingStore>(open_connection(scratch_->file()));
  }

 private:
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace

TEST_CASE("the SQLite store on a file conforms") {
  FileFixture fixture{SqliteStoreOptions{}};
  check_conformance(fixture);
}

TEST_CASE("the SQLite store conforms with synchronous NORMAL") {
  FileFixture fixture{SqliteStoreOptions{.synchronous = SqliteSynchronous::normal}};
  check_conformance(fixture);
}

TEST_CASE("the SQLite store conforms under another table name, with a single reader") {
  FileFixture fixture{SqliteStoreOptions{.table = "Commands_2", .max_readers = 1}};
  check_conformance(fixture);
}

TEST_CASE("the SQLite store on a caller's connection conforms") {
  BorrowedFixture fixture;
  check_conformance(fixture);
}
