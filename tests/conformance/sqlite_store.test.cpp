// SPDX-License-Identifier: MIT
// The store in SQLite under the conformance suite: every way to set it up.
#include "nexus/idempotency/sqlite/sqlite_store.hpp"

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "nexus/idempotency/testing/store_conformance.hpp"
#include "support/catch.hpp"
#include "unit/sqlite/scratch.hpp"

namespace {

using namespace nexus::idempotency;
using test::open_connection;
using test::Scratch;
using testing::ConformanceOutcome;

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

// A store on a connection that is in no transaction. One thread at a time may use it, so each call
// locks; objects of their own, on connections of their own, do meet.
class BorrowingStore final : public IdempotencyStore {
 public:
  explicit BorrowingStore(const Scratch& scratch)
      : connection_(open_connection(scratch.file())), store_(connection_.get()) {
    store_.ensure_schema();
  }
  std::optional<IdempotencyRecord> find(const IdempotencyKey& key) override {
    const std::lock_guard lock(mutex_);
    return store_.find(key);
  }
  ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    const std::lock_guard lock(mutex_);
    return store_.claim_pending(candidate);
  }
  bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override {
    const std::lock_guard lock(mutex_);
    return store_.save_if(guard, next);
  }
  std::size_t purge_expired(Timestamp before, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    return store_.purge_expired(before, limit);
  }

 private:
  std::mutex mutex_;
  test::Connection connection_;
  SqliteIdempotencyStore store_;
};

class BorrowedFixture final : public testing::StoreFixture {
 public:
  std::unique_ptr<IdempotencyStore> make_store() override {
    scratch_ = std::make_unique<Scratch>();
    return connect();
  }
  std::unique_ptr<IdempotencyStore> connect() override {
    return std::make_unique<BorrowingStore>(*scratch_);
  }

 private:
  std::unique_ptr<Scratch> scratch_;
};

void check_conformance(testing::StoreFixture& fixture) {
  const auto report = testing::run_conformance(fixture);
  INFO(report);
  CHECK(report.passed());
  for (const auto& result : report.results) {
    // Only the case of an engine that expires records by itself does not apply.
    if (result.outcome != ConformanceOutcome::skipped) continue;
    INFO(result);
    CHECK(result.text.find("expires_by_itself") != std::string::npos);
  }
  CHECK(report.count(ConformanceOutcome::skipped) == 1);
}

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
