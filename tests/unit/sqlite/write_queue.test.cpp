// SPDX-License-Identifier: MIT
// Threads that share a transaction: one sync for all, an error for the one that it belongs to.
#include "sqlite/write_queue.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "nexus/idempotency/sqlite/sqlite_store.hpp"
#include "sqlite/connection.hpp"
#include "sqlite/patience.hpp"
#include "sqlite/session.hpp"
#include "sqlite/texts.hpp"
#include "support/catch.hpp"
#include "unit/sqlite/faulty_vfs.hpp"
#include "unit/sqlite/samples.hpp"
#include "unit/sqlite/scratch.hpp"

namespace {

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;
using namespace std::chrono_literals;
using sqlite::Patience;
using sqlite::Session;
using sqlite::WriteQueue;

constexpr std::size_t count = 8;

// A queue on a fresh database. The first to write is held up until the others have queued up.
struct Queue {
  FaultyVfs vfs;
  Scratch scratch;
  sqlite::Texts texts{"nexus_idempotency"};
  sqlite::Place place = sqlite::place_of(scratch.file(), SqliteSynchronous::full);
  Session session{texts, place};
  WriteQueue queue{session};

  Queue() {
    session.open_first();
    session.ensure_schema();
  }

  // Effects: `first` has the session for itself while the threads 1 to 8 call `write(i)`; it is
  // called when all of them are queued. Returns: how each ended.
  std::vector<std::optional<Said>> collide(const std::function<void(Session&)>& first,
                                           const std::function<void(std::size_t)>& write) {
    std::vector<std::optional<Said>> ends(count + 1);
    std::atomic<bool> held{false};
    std::vector<std::thread> threads;
    threads.emplace_back([&] {
      ends[0] = said([&] {
        Patience patience(10s);
        queue.alone(patience, [&](Session& mine) {
          held = true;
          while (queue.waiting() < count) std::this_thread::yield();
          first(mine);
        });
      });
    });
    for (std::size_t i = 1; i <= count; ++i) {
      threads.emplace_back([&, i] {
        while (!held) std::this_thread::yield();
        ends[i] = said([&] { write(i); });
      });
    }
    for (std::thread& thread : threads) thread.join();
    return ends;
  }

  bool claim(std::size_t i) {
    Patience patience(10s);
    return queue.write(patience, [&](Session& mine) {
      return mine.insert(pending(std::to_string(i))).claimed_new();
    });
  }

  std::string stored() {
    return ask(open_connection(scratch.file()), "SELECT count(*) FROM nexus_idempotency");
  }
};

}  // namespace

TEST_CASE("SQLite: those who are queued share one sync of the log") {
  Queue queue;
  std::atomic<int> claimed{0};
  const auto ends = queue.collide([&](Session&) { queue.vfs.reset_counts(); },
                                  [&](std::size_t i) { claimed += queue.claim(i) ? 1 : 0; });
  for (const auto& end : ends) CHECK(!end);
  CHECK(claimed == count);
  CHECK(queue.vfs.log_syncs() == 1);
  CHECK(queue.stored() == "8");
}

TEST_CASE("SQLite: writes in one transaction see one another, in order") {
  Queue queue;
  std::atomic<int> claimed{0};
  const auto ends =
      queue.collide([](Session&) {}, [&](std::size_t) { claimed += queue.claim(1) ? 1 : 0; });
  for (const auto& end : ends) CHECK(!end);
  CHECK(claimed == 1);
  CHECK(queue.stored() == "1");
}

TEST_CASE("SQLite: an error in a shared transaction is only for the one who caused it") {
  Queue queue;
  const auto ends = queue.collide([](Session&) {},
                                  [&](std::size_t i) {
                                    if (i != 3) {
                                      (void)queue.claim(i);
                                      return;
                                    }
                                    Patience patience(10s);
                                    (void)queue.queue.write(patience, [&](Session& mine) -> bool {
                                      (void)mine.insert(pending("undone"));
                                      throw StoreError(StoreErrc::corrupt, "found out by this one");
                                    });
                                  });
  for (std::size_t i = 0; i <= count; ++i) {
    CAPTURE(i);
    if (i == 3) {
      REQUIRE(ends[i]);
      CHECK(ends[i]->code == StoreErrc::corrupt);
    } else {
      CHECK(!ends[i]);
    }
  }
  CHECK(queue.stored() == "7");
}

TEST_CASE("SQLite: a commit that fails is in doubt for all who shared it") {
  Queue queue;
  const auto ends =
      queue.collide([&](Session&) { queue.vfs.fail(FileCall::sync, 1, SQLITE_IOERR_FSYNC); },
                    [&](std::size_t i) { (void)queue.claim(i); });
  CHECK(!ends[0]);
  for (std::size_t i = 1; i <= count; ++i) {
    CAPTURE(i);
    REQUIRE(ends[i]);
    CHECK(ends[i]->code == StoreErrc::in_doubt);
    CHECK(ends[i]->native_code == "SQLITE_IOERR_FSYNC");
    CHECK(ends[i]->what.find("in_doubt: SQLite") == 0);
  }
  const int before = std::stoi(queue.stored());
  CHECK((before == 0 || before == count));  // all or none
  for (std::size_t i = 1; i <= count; ++i) CHECK(queue.claim(i) == (before == 0));
  CHECK(queue.stored() == "8");
}

TEST_CASE("SQLite: whose turn does not come in time gives up, and has done nothing") {
  Queue queue;
  std::atomic<std::size_t> gave_up{0};
  std::thread holder([&] {
    Patience patience(10s);
    queue.queue.alone(patience, [&](Session&) {
      while (gave_up < count) std::this_thread::yield();
    });
  });
  std::vector<std::optional<Said>> ends(count);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      // The holder may not have begun yet; then this one's turn comes at once.
      while (!ends[i]) {
        ends[i] = said([&] {
          Patience patience(100us);
          (void)queue.queue.write(
              patience, [](Session& mine) { return mine.find(sample_key("any")).has_value(); });
        });
      }
      ++gave_up;
    });
  }
  for (std::thread& thread : threads) thread.join();
  holder.join();
  for (const auto& end : ends) {
    REQUIRE(end);
    CHECK(end->code == StoreErrc::contended);
  }
  CHECK(queue.queue.waiting() == 0);
  CHECK(queue.claim(1));
}
