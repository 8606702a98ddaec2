// SPDX-License-Identifier: MIT
// Each line of the table of errors in sqlite_store.hpp, provoked.
#include "sqlite/errors.hpp"

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <new>
#include <optional>
#include <string>

#include "nexus/idempotency/sqlite/sqlite_store.hpp"
#include "support/catch.hpp"
#include "unit/sqlite/faulty_vfs.hpp"
#include "unit/sqlite/samples.hpp"
#include "unit/sqlite/scratch.hpp"

namespace {

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;
using namespace std::chrono_literals;
using sqlite::Step;

// Requires an error, and that it gives nothing away.
Said must_say(const std::optional<Said>& error) {
  REQUIRE(error);
  for (const char* secret : {"tenant", "operation", "token-1", "fingerprint", "store.db"}) {
    CHECK(error->what.find(secret) == std::string::npos);
  }
  return *error;
}

template <class Write>
void check_contended_while_locked(Write write) {
  const Scratch scratch;
  const auto store = ready_store(scratch, {.busy_timeout = 20ms});
  (void)store->claim_pending(pending());
  const Connection other = open_connection(scratch.file());
  execute(other, "BEGIN IMMEDIATE");
  const auto begun = std::chrono::steady_clock::now();
  const Said busy = must_say(said([&] { write(*store); }));
  CHECK(std::chrono::steady_clock::now() - begun >= 20ms);
  CHECK(busy.code == StoreErrc::contended);
  CHECK(busy.native_code == "SQLITE_BUSY");
  // Readers are not in the way, nor is the writer in theirs.
  CHECK(store->find(pending().key) == pending());
  CHECK(store->claim_pending(pending()).existing == pending());
  execute(other, "ROLLBACK");
  write(*store);
}

}  // namespace

TEST_CASE("SQLite: another writer that keeps the lock: contended") {
  SECTION("claim_pending") {
    check_contended_while_locked([](IdempotencyStore& store) {
      const auto claimed = store.claim_pending(pending("new"));
      CHECK(claimed.claimed_new());
    });
  }
  SECTION("save_if") {
    check_contended_while_locked([](IdempotencyStore& store) {
      const bool written = store.save_if(guard_of(pending()), completed(pending()));
      CHECK(written);
    });
  }
  SECTION("purge_expired") {
    check_contended_while_locked(
        [](IdempotencyStore& store) { store.purge_expired(base - 1h, 10); });
  }
  SECTION("ensure_schema") {
    const Scratch scratch;
    SqliteIdempotencyStore store(scratch.file(), {.busy_timeout = 1ms});
    const Connection other = open_connection(scratch.file());
    execute(other, "BEGIN IMMEDIATE");
    CHECK(must_say(said([&] { store.ensure_schema(); })).code == StoreErrc::contended);
    execute(other, "COMMIT");
    store.ensure_schema();
  }
}

TEST_CASE("SQLite: a database that another has locked as a whole: contended when opened") {
  const Scratch scratch;
  sqlite3* opened = nullptr;
  REQUIRE(sqlite3_open(scratch.file().c_str(), &opened) == SQLITE_OK);
  const Connection other(opened);
  execute(other, "CREATE TABLE t (x)");
  execute(other, "BEGIN EXCLUSIVE");
  const Said busy =
      must_say(said([&] { SqliteIdempotencyStore store(scratch.file(), {.busy_timeout = 5ms}); }));
  CHECK(busy.code == StoreErrc::contended);
}

TEST_CASE("SQLite: a file that can't be opened: misconfigured") {
  const Scratch scratch;
  const Said no_directory = must_say(
      said([&] { SqliteIdempotencyStore store(scratch.directory() / "absent" / "store.db"); }));
  CHECK(no_directory.code == StoreErrc::misconfigured);
  CHECK(no_directory.native_code == "SQLITE_CANTOPEN");
  const Said directory = must_say(said([&] { SqliteIdempotencyStore store(scratch.directory()); }));
  CHECK(directory.code == StoreErrc::misconfigured);
}

TEST_CASE("SQLite: a file that can't be opened any more: unavailable") {
  FaultyVfs vfs;
  const Scratch scratch;
  const auto store = ready_store(scratch);
  vfs.refuse_to_open(true);
  const Said gone = must_say(said([&] { (void)store->find(pending().key); }));  // opens a reader
  CHECK(gone.code == StoreErrc::unavailable);
  CHECK(gone.native_code == "SQLITE_CANTOPEN");
  vfs.refuse_to_open(false);
  CHECK(!store->find(pending().key));
}

TEST_CASE("SQLite: a database that can only be read: misconfigured") {
  FaultyVfs vfs;
  const Scratch scratch;
  (void)ready_store(scratch);
  vfs.open_read_only(true);
  const Said read_only = must_say(said([&] { SqliteIdempotencyStore store(scratch.file()); }));
  CHECK(read_only.code == StoreErrc::misconfigured);
  CHECK(read_only.native_code == "SQLITE_READONLY");
}

TEST_CASE("SQLite: what is no database: corrupt") {
  const Scratch scratch;
  std::ofstream(scratch.file()) << std::string(4096, 'x');
  const Said no_database = must_say(said([&] { SqliteIdempotencyStore store(scratch.file()); }));
  CHECK(no_database.code == StoreErrc::corrupt);
  CHECK(no_database.native_code == "SQLITE_NOTADB");
}

TEST_CASE("SQLite: damaged pages: corrupt") {
  const Scratch scratch;
  (void)ready_store(scratch)->claim_pending(pending());
  {
    std::fstream file(scratch.file(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);  // all after the first page, which has the schema
    for (std::uintmax_t left = std::filesystem::file_size(scratch.file()) - 4096; left > 0;
         --left) {
      file.put('\xee');
    }
  }
  SqliteIdempotencyStore store(scratch.file());
  CHECK(must_say(said([&] { (void)store.find(pending().key); })).code == StoreErrc::corrupt);
  CHECK(must_say(said([&] { (void)store.claim_pending(pending("new")); })).code ==
        StoreErrc::corrupt);
}

TEST_CASE("SQLite: rows that can't be records: corrupt, and others are served") {
  struct Damage {
    const char* what;
    bool passes_the_checks;  // of the table
  };
  const Damage damage = GENERATE(
      Damage{"status = 7", false}, Damage{"fence = -1", false}, Damage{"fingerprint = x''", false},
      Damage{"result = zeroblob(65537)", false}, Damage{"attempt_token = x'ff'", true},
      Damage{"attempt_token = cast(' padded' AS BLOB)", true});
  CAPTURE(damage.what);
  const Scratch scratch;
  const auto store = ready_store(scratch);
  (void)store->claim_pending(pending("damaged"));
  (void)store->claim_pending(pending("whole"));
  const Connection connection = open_connection(scratch.file());
  const std::string update = std::string("UPDATE nexus_idempotency SET ") + damage.what +
                             " WHERE client_key = cast('damaged' AS BLOB)";
  if (!damage.passes_the_checks) CHECK_THROWS(execute(connection, update));
  execute(connection, "PRAGMA ignore_check_constraints = ON");
  execute(connection, update);

  for (const auto& error : {said([&] { (void)store->find(sample_key("damaged")); }),
                            said([&] { (void)store->claim_pending(pending("damaged")); })}) {
    CHECK(must_say(error).code == StoreErrc::corrupt);
    CHECK(error->native_code.empty());  // it is not SQLite that found out
  }
  CHECK(store->find(sample_key("whole")) == pending("whole"));
}

TEST_CASE("SQLite: a full database: exhausted, and usable again when there is room") {
  const Scratch scratch;
  const Connection connection = open_connection(scratch.file());
  SqliteIdempotencyStore store(connection.get());
  store.ensure_schema();
  execute(connection, "PRAGMA max_page_count = 8");
  std::optional<Said> error;
  std::string stored = "-";
  for (int i = 0; i < 100 && !error; ++i) {
    const std::string name = std::to_string(i);
    error =
        said([&] { (void)store.claim_pending(completed(pending(name), std::string(5000, 'r'))); });
    if (error) {
      CHECK(!store.find(sample_key(name)));
    } else {
      stored = name;
    }
  }
  CHECK(must_say(error).code == StoreErrc::exhausted);
  CHECK(error->native_code == "SQLITE_FULL");
  CHECK(store.find(sample_key(stored)));
  execute(connection, "PRAGMA max_page_count = 1000");
  CHECK(store.claim_pending(completed(pending("more"), std::string(5000, 'r'))).claimed_new());
}

TEST_CASE("SQLite: what each result code means") {
  const auto during = [](int code) { return sqlite::meaning(code, Step::statement); };
  CHECK(during(SQLITE_BUSY) == StoreErrc::contended);
  CHECK(during(SQLITE_BUSY_SNAPSHOT) == StoreErrc::contended);
  CHECK(during(SQLITE_LOCKED) == StoreErrc::contended);
  CHECK(during(SQLITE_LOCKED_SHAREDCACHE) == StoreErrc::contended);
  CHECK(during(SQLITE_PROTOCOL) == StoreErrc::contended);
  CHECK(during(SQLITE_SCHEMA) == StoreErrc::contended);
  CHECK(during(SQLITE_FULL) == StoreErrc::exhausted);
  CHECK(during(SQLITE_IOERR_FSYNC) == StoreErrc::unavailable);
  CHECK(during(SQLITE_CANTOPEN) == StoreErrc::unavailable);
  CHECK(during(SQLITE_INTERRUPT) == StoreErrc::unavailable);
  CHECK(during(SQLITE_CORRUPT_INDEX) == StoreErrc::corrupt);
  CHECK(during(SQLITE_NOTADB) == StoreErrc::corrupt);
  CHECK(during(SQLITE_READONLY) == StoreErrc::misconfigured);
  CHECK(during(SQLITE_ERROR) == StoreErrc::misconfigured);
  CHECK(during(SQLITE_AUTH) == StoreErrc::misconfigured);

  const auto committing = [](int code) { return sqlite::meaning(code, Step::commit); };
  CHECK(committing(SQLITE_BUSY) == StoreErrc::contended);
  CHECK(committing(SQLITE_FULL) == StoreErrc::exhausted);
  CHECK(committing(SQLITE_CORRUPT) == StoreErrc::corrupt);
  CHECK(committing(SQLITE_IOERR_FSYNC) == StoreErrc::in_doubt);
  CHECK(committing(SQLITE_NOMEM) == StoreErrc::in_doubt);
  CHECK(committing(SQLITE_INTERRUPT) == StoreErrc::in_doubt);

  CHECK(sqlite::meaning(SQLITE_CANTOPEN, Step::first_open) == StoreErrc::misconfigured);
  CHECK(sqlite::meaning(SQLITE_IOERR_READ, Step::first_open) == StoreErrc::unavailable);
}

TEST_CASE("SQLite: no memory is std::bad_alloc, unless it may have been committed") {
  CHECK_THROWS_AS(sqlite::raise(SQLITE_NOMEM, Step::statement), std::bad_alloc);
  CHECK_THROWS_AS(sqlite::raise(SQLITE_IOERR_NOMEM, Step::first_open), std::bad_alloc);
  CHECK_THROWS_AS(sqlite::raise(SQLITE_NOMEM, Step::commit), StoreError);
}

TEST_CASE("SQLite: codes have names") {
  CHECK(sqlite::result_name(SQLITE_BUSY_SNAPSHOT) == "SQLITE_BUSY_SNAPSHOT");
  CHECK(sqlite::result_name(SQLITE_FULL) == "SQLITE_FULL");
  CHECK(sqlite::result_name(SQLITE_ERROR) == "SQLITE_ERROR");
  CHECK(sqlite::result_name(0x7fff) == "32767");
}
