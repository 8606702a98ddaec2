// SPDX-License-Identifier: MIT
// How often the SQLite store syncs its log: once for each write that it acknowledges, never for an
// answer. So few calls that no checkpoint, which has syncs of its own, falls among them.
#include <cstdint>

#include "benchmarks/durable/counted_syncs.hpp"
#include "benchmarks/durable/operations.hpp"
#include "benchmarks/durable/sqlite_files.hpp"
#include "benchmarks/durable/supply.hpp"
#include "benchmarks/support/requests.hpp"
#include "nexus/idempotency/sqlite/sqlite_store.hpp"
#include "support/catch.hpp"

namespace {

using namespace nexus::idempotency;
using namespace nexus::idempotency::benchmarks;

const Requests& completed() {
  static const Requests requests = make_requests(20, 0x31);
  return requests;
}
const Requests& lapsed() {
  static const Requests requests = make_requests(2 * max_threads, 0x32);
  return requests;
}

struct World {
  World() {
    static const bool counting = (count_syncs(), true);
    static_cast<void>(counting);
    (void)files.fill(completed(), lapsed());
  }

  // Returns: the syncs of the log in ten calls.
  std::uint64_t syncs_in_ten(const Operation& operation) {
    (void)operation(0);  // opens connections; the first write to a new log syncs its head too
    const SyncCount before = sync_count();
    for (int i = 0; i < 10; ++i) CHECK(operation(0) > 0);
    const SyncCount after = sync_count();
    CHECK(after.database == before.database);
    return after.log - before.log;
  }

  SqliteFiles files;
};

}  // namespace

TEST_CASE("a first execution syncs the log twice") {
  World world;
  SqliteIdempotencyStore store(world.files.file("ours"));
  CHECK(world.syncs_in_ten(first_executions(store, 1)) == 20);
  CHECK(world.syncs_in_ten(first_executions_by_service(store, 2)) == 20);
}

TEST_CASE("a takeover syncs the log once") {
  World world;
  SqliteIdempotencyStore store(world.files.file("ours"));
  CHECK(world.syncs_in_ten(takeovers(store, lapsed(), 3)) == 10);
}

TEST_CASE("a purge of one batch syncs the log once") {
  World world;
  world.files.refill_lapsed("ours_purging", 11 * purge_limit);
  SqliteIdempotencyStore store(world.files.file("ours_purging"));
  CHECK(world.syncs_in_ten(purges(store)) == 10);
}

TEST_CASE("a replay syncs nothing") {
  World world;
  SqliteIdempotencyStore store(world.files.file("ours"));
  CHECK(world.syncs_in_ten(replays(store, completed())) == 0);
  CHECK(world.syncs_in_ten(replays_by_service(store, completed())) == 0);
}

TEST_CASE("with synchronous NORMAL, nothing is synced but by checkpoints") {
  World world;
  SqliteIdempotencyStore store(world.files.file("ours"),
                               {.synchronous = SqliteSynchronous::normal});
  CHECK(world.syncs_in_ten(first_executions(store, 4)) == 0);
}
