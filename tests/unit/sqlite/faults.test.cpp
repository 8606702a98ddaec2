// SPDX-License-Identifier: MIT
// The disk fails at every single call that a port call makes to it. Afterwards nothing that was
// acknowledged is lost, the error was the right one, and a repeat of the same call is right.
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "nexus/idempotency/sqlite/sqlite_store.hpp"
#include "support/catch.hpp"
#include "unit/sqlite/faulty_vfs.hpp"
#include "unit/sqlite/samples.hpp"
#include "unit/sqlite/scratch.hpp"

namespace {

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;

constexpr std::size_t lapsed_count = 3;
constexpr Timestamp purge_before = base;

// A database that holds an open claim, a result, and lapsed records.
void fill(const Scratch& scratch) {
  const auto store = ready_store(scratch);
  (void)store->claim_pending(pending("open"));
  (void)store->claim_pending(completed(pending("done")));
  for (std::size_t i = 0; i < lapsed_count; ++i) {
    IdempotencyRecord lapsed = pending("lapsed-" + std::to_string(i));
    lapsed.expires_at = base - std::chrono::seconds(1);
    (void)store->claim_pending(lapsed);
  }
}

struct Disk {
  FileCall call;
  int code;
  const char* name;
};

// A port call, and what can be seen of it.
class Action {
 public:
  virtual ~Action() = default;
  // Effects: makes the call. It requires the answer that the first call must get. What may throw
  // is outside of REQUIRE, which would take it for a failure.
  virtual void first(IdempotencyStore& store) = 0;
  // Effects: makes the call again after a failure, and requires a right answer.
  virtual void repeat(IdempotencyStore& store, bool had_happened) = 0;
  // Returns: whether its effect is there, all of it; it requires that there is all or nothing.
  virtual bool happened(IdempotencyStore& store) = 0;
};

class Claim final : public Action {
 public:
  void first(IdempotencyStore& store) override {
    const bool claimed = store.claim_pending(candidate_).claimed_new();
    REQUIRE(claimed);
  }
  void repeat(IdempotencyStore& store, bool had_happened) override {
    const ClaimPendingResult again = store.claim_pending(candidate_);
    REQUIRE(again.claimed_new() != had_happened);
    if (had_happened) REQUIRE(*again.existing == candidate_);
  }
  bool happened(IdempotencyStore& store) override {
    const auto stored = store.find(candidate_.key);
    if (stored) REQUIRE(*stored == candidate_);
    return stored.has_value();
  }

 private:
  const IdempotencyRecord candidate_ = pending("new");
};

class Complete final : public Action {
 public:
  void first(IdempotencyStore& store) override {
    const bool written = store.save_if(guard_of(open_), done_);
    REQUIRE(written);
  }
  void repeat(IdempotencyStore& store, bool had_happened) override {
    REQUIRE(store.save_if(guard_of(open_), done_) != had_happened);
  }
  bool happened(IdempotencyStore& store) override {
    const auto stored = store.find(open_.key);
    REQUIRE(stored);
    REQUIRE((*stored == open_ || *stored == done_));
    return *stored == done_;
  }

 private:
  const IdempotencyRecord open_ = pending("open");
  const IdempotencyRecord done_ = completed(open_);
};

class Purge final : public Action {
 public:
  void first(IdempotencyStore& store) override {
    const std::size_t removed = store.purge_expired(purge_before, 100);
    REQUIRE(removed == lapsed_count);
  }
  void repeat(IdempotencyStore& store, bool had_happened) override {
    REQUIRE(store.purge_expired(purge_before, 100) == (had_happened ? 0 : lapsed_count));
  }
  bool happened(IdempotencyStore& store) override {
    std::size_t there = 0;
    for (std::size_t i = 0; i < lapsed_count; ++i) {
      if (store.find(sample_key("lapsed-" + std::to_string(i)))) ++there;
    }
    REQUIRE((there == 0 || there == lapsed_count));
    return there == 0;
  }
};

class Find final : public Action {
 public:
  void first(IdempotencyStore& store) override {
    const auto found = store.find(sample_key("done"));
    REQUIRE(found == completed(pending("done")));
  }
  void repeat(IdempotencyStore& store, bool) override { first(store); }
  bool happened(IdempotencyStore&) override { return false; }
};

void check_undamaged(const Scratch& scratch) {
  const Connection connection = open_connection(scratch.file());
  REQUIRE(ask(connection, "PRAGMA integrity_check") == "ok");
}

void check_error(const Disk& disk, const Said& error) {
  if (disk.code == SQLITE_FULL) {
    REQUIRE(error.code == StoreErrc::exhausted);
  } else if (disk.call == FileCall::sync) {  // nothing is synced before a commit
    REQUIRE(error.code == StoreErrc::in_doubt);
  } else if (disk.call == FileCall::read) {
    REQUIRE(error.code == StoreErrc::unavailable);
  } else {
    REQUIRE((error.code == StoreErrc::unavailable || error.code == StoreErrc::in_doubt));
  }
  REQUIRE(error.native_code == disk.name);
}

// Returns: how many calls to the disk were made to fail.
template <class AnyAction>
int fail_everywhere(const Disk& disk, bool from_then_on) {
  FaultyVfs vfs;
  for (int n = 1;; ++n) {
    CAPTURE(n, disk.name, from_then_on);
    AnyAction action;
    const Scratch scratch;
    fill(scratch);
    {
      SqliteIdempotencyStore store(scratch.file());
      vfs.fail(disk.call, n, disk.code, from_then_on);
      const std::optional<Said> error = said([&] { action.first(store); });
      const bool failed = vfs.failed();
      vfs.heal();
      if (!failed) {
        REQUIRE(!error);
        return n - 1;
      }
      // A fault in what is done after the commit (moving the log into the file) is no error.
      const bool happened = action.happened(store);
      if (error) {
        check_error(disk, *error);
        if (error->code != StoreErrc::in_doubt) REQUIRE(!happened);
        action.repeat(store, happened);
      }
    }
    check_undamaged(scratch);
    // The first look by a new store, as after a restart.
    SqliteIdempotencyStore store(scratch.file());
    if (!std::is_same_v<AnyAction, Find>) REQUIRE(action.happened(store));
    REQUIRE(store.find(sample_key("done")) == completed(pending("done")));
    REQUIRE(store.find(sample_key("open")));
  }
}

constexpr Disk cannot_write{FileCall::write, SQLITE_IOERR_WRITE, "SQLITE_IOERR_WRITE"};
constexpr Disk is_full{FileCall::write, SQLITE_FULL, "SQLITE_FULL"};
constexpr Disk cannot_sync{FileCall::sync, SQLITE_IOERR_FSYNC, "SQLITE_IOERR_FSYNC"};
constexpr Disk cannot_read{FileCall::read, SQLITE_IOERR_READ, "SQLITE_IOERR_READ"};

}  // namespace

TEST_CASE("SQLite: a disk that fails at any call of a port call") {
  const bool from_then_on = GENERATE(false, true);
  SECTION("claim_pending") {
    CHECK(fail_everywhere<Claim>(cannot_write, from_then_on) > 0);
    CHECK(fail_everywhere<Claim>(is_full, from_then_on) > 0);
    CHECK(fail_everywhere<Claim>(cannot_sync, from_then_on) > 0);
    CHECK(fail_everywhere<Claim>(cannot_read, from_then_on) > 0);
  }
  SECTION("save_if") {
    CHECK(fail_everywhere<Complete>(cannot_write, from_then_on) > 0);
    CHECK(fail_everywhere<Complete>(is_full, from_then_on) > 0);
    CHECK(fail_everywhere<Complete>(cannot_sync, from_then_on) > 0);
    CHECK(fail_everywhere<Complete>(cannot_read, from_then_on) > 0);
  }
  SECTION("purge_expired") {
    CHECK(fail_everywhere<Purge>(cannot_write, from_then_on) > 0);
    CHECK(fail_everywhere<Purge>(is_full, from_then_on) > 0);
    CHECK(fail_everywhere<Purge>(cannot_sync, from_then_on) > 0);
    CHECK(fail_everywhere<Purge>(cannot_read, from_then_on) > 0);
  }
  SECTION("find") {
    CHECK(fail_everywhere<Find>(cannot_read, from_then_on) > 0);
    CHECK(fail_everywhere<Find>(cannot_sync, from_then_on) == 0);
    CHECK(fail_everywhere<Find>(cannot_write, from_then_on) == 0);
  }
}

TEST_CASE("SQLite: a disk that fails while the schema is made") {
  const Disk disk = GENERATE(cannot_write, is_full, cannot_sync, cannot_read);
  FaultyVfs vfs;
  for (int n = 1;; ++n) {
    CAPTURE(n, disk.name);
    const Scratch scratch;
    vfs.fail(disk.call, n, disk.code);
    const std::optional<Said> error =
        said([&] { SqliteIdempotencyStore(scratch.file()).ensure_schema(); });
    const bool failed = vfs.failed();
    vfs.heal();
    if (!failed) {
      CHECK(!error);
      CHECK(n > 1);
      return;
    }
    if (error) CHECK(error->code != StoreErrc::corrupt);
    const auto store = ready_store(scratch);
    REQUIRE(store->claim_pending(pending()).claimed_new());
    check_undamaged(scratch);
  }
}

TEST_CASE("SQLite: a connection that failed is not used again") {
  FaultyVfs vfs;
  const Scratch scratch;
  const auto store = ready_store(scratch);
  vfs.fail(FileCall::sync, 1, SQLITE_IOERR_FSYNC);
  const auto in_doubt = said([&] { (void)store->claim_pending(pending()); });
  REQUIRE(in_doubt);
  CHECK(in_doubt->code == StoreErrc::in_doubt);

  vfs.refuse_to_open(true);  // the next write has to open a connection
  const auto closed = said([&] { (void)store->save_if(guard_of(pending()), pending()); });
  REQUIRE(closed);
  CHECK(closed->code == StoreErrc::unavailable);
  CHECK(closed->native_code == "SQLITE_CANTOPEN");

  vfs.refuse_to_open(false);
  (void)store->claim_pending(pending());
  CHECK(store->find(pending().key) == pending());
}

TEST_CASE("SQLite: two syncs of the log a first execution, none for anything else") {
  FaultyVfs vfs;
  const Scratch scratch;
  const auto store = ready_store(scratch);
  (void)store->claim_pending(pending("before"));  // opens what is opened once
  for (int i = 0; i < 20; ++i) {
    const IdempotencyRecord open = pending("key-" + std::to_string(i));
    const IdempotencyRecord done = completed(open);
    vfs.reset_counts();
    REQUIRE(store->claim_pending(open).claimed_new());
    CHECK(vfs.log_syncs() == 1);
    REQUIRE(store->save_if(guard_of(open), done));
    CHECK(vfs.log_syncs() == 2);

    vfs.reset_counts();
    REQUIRE(store->claim_pending(pending(open.key.client_key().value(), "token-2")).existing);
    REQUIRE(store->find(open.key) == done);
    REQUIRE(!store->find(sample_key("absent")));
    REQUIRE(!store->save_if(guard_of(open), done));
    REQUIRE(store->purge_expired(base - std::chrono::hours(1), 100) == 0);
    CHECK(vfs.log_syncs() == 0);
    CHECK(vfs.log_writes() == 0);
  }
}

TEST_CASE("SQLite: with synchronous NORMAL the log is not synced by writes") {
  FaultyVfs vfs;
  const Scratch scratch;
  const auto store = ready_store(scratch, {.synchronous = SqliteSynchronous::normal});
  (void)store->claim_pending(pending("before"));
  vfs.reset_counts();
  REQUIRE(store->claim_pending(pending()).claimed_new());
  REQUIRE(store->save_if(guard_of(pending()), completed(pending())));
  CHECK(vfs.log_syncs() == 0);
  CHECK(vfs.log_writes() > 0);
}
