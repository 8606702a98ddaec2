// SPDX-License-Identifier: MIT
// Many threads, several objects on one file, and hardly any patience.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nexus/idempotency/sqlite/sqlite_store.hpp"
#include "nexus/idempotency/testing/detail/conformance_crew.hpp"
#include "support/catch.hpp"
#include "unit/sqlite/samples.hpp"
#include "unit/sqlite/scratch.hpp"

namespace {

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;
using namespace std::chrono_literals;
using nexus::idempotency::testing::detail::run_together;

constexpr std::size_t threads = 8;

// Effects: makes the call until it is not contended any more.
template <class Call>
auto insist(std::atomic<int>& contended, Call call) {
  for (;;) {
    try {
      return call();
    } catch (const StoreError& error) {
      if (error.code() != StoreErrc::contended && error.code() != StoreErrc::exhausted) throw;
      ++contended;
    }
  }
}

}  // namespace

TEST_CASE("SQLite: with hardly any patience calls are refused, and none is lost or done twice") {
  const Scratch scratch;
  const SqliteStoreOptions impatient{
      .synchronous = SqliteSynchronous::normal, .busy_timeout = 1us, .max_readers = 2};
  const auto one = ready_store(scratch);
  std::vector<std::unique_ptr<SqliteIdempotencyStore>> objects;
  for (int i = 0; i < 2; ++i) {
    objects.push_back(
        std::make_unique<SqliteIdempotencyStore>(scratch.file(), SqliteStoreOptions{impatient}));
  }
  constexpr std::size_t keys = 40;
  std::atomic<int> contended{0};
  std::vector<std::optional<Said>> errors(threads);
  std::vector<std::vector<bool>> won(threads, std::vector<bool>(keys, false));
  run_together(threads, [&](std::size_t me) {
    errors[me] = said([&] {
      IdempotencyStore& store = *objects[me % objects.size()];
      const std::string token = "token-" + std::to_string(me);
      for (std::size_t k = 0; k < keys; ++k) {
        const IdempotencyRecord mine = pending("key-" + std::to_string(k), token);
        const bool claimed =
            insist(contended, [&] { return store.claim_pending(mine); }).claimed_new();
        if (!claimed) continue;
        won[me][k] = insist(contended,
                            [&] { return store.save_if(guard_of(mine), completed(mine, token)); });
      }
    });
  });
  for (const auto& error : errors) {
    INFO((error ? error->what : std::string()));
    CHECK(!error);  // nothing but contended and exhausted
  }
  for (std::size_t k = 0; k < keys; ++k) {
    CAPTURE(k);
    const auto winners = std::count_if(won.begin(), won.end(), [&](const auto& w) { return w[k]; });
    REQUIRE(winners == 1);
    const auto stored = one->find(sample_key("key-" + std::to_string(k)));
    REQUIRE(stored);
    CHECK(stored->status == RecordStatus::completed);
    for (std::size_t me = 0; me < threads; ++me) {
      if (won[me][k]) CHECK(stored->result->payload() == "token-" + std::to_string(me));
    }
  }
}

TEST_CASE("SQLite: more threads than connections for reading") {
  const Scratch scratch;
  const auto store = ready_store(scratch, {.max_readers = 1});
  (void)store->claim_pending(pending());
  std::atomic<int> right{0};
  run_together(threads, [&](std::size_t) {
    for (int i = 0; i < 100; ++i) {
      if (store->find(pending().key) == pending()) ++right;
    }
  });
  CHECK(right == static_cast<int>(threads) * 100);
}

TEST_CASE("SQLite: readers and claims of present keys get through while others purge and write") {
  const Scratch scratch;
  const auto store = ready_store(scratch, {.synchronous = SqliteSynchronous::normal});
  (void)store->claim_pending(pending("stays"));
  std::vector<std::optional<Said>> errors(threads);
  std::atomic<std::size_t> purged{0};
  constexpr std::size_t each = 60;
  run_together(threads, [&](std::size_t me) {
    errors[me] = said([&] {
      for (std::size_t i = 0; i < each; ++i) {
        if (me < 4) {
          IdempotencyRecord lapsed = pending(std::to_string(me) + "-" + std::to_string(i));
          lapsed.expires_at = base - 1s;
          if (!store->claim_pending(lapsed).claimed_new()) {
            throw StoreError(StoreErrc::corrupt, "a fresh key was taken");
          }
        } else if (me == 4) {
          purged += store->purge_expired(base, 7);
        } else if (store->claim_pending(pending("stays", "token-2")).existing != pending("stays")) {
          throw StoreError(StoreErrc::corrupt, "a record changed");
        }
      }
    });
  });
  for (const auto& error : errors) {
    INFO((error ? error->what : std::string()));
    CHECK(!error);
  }
  purged += store->purge_expired(base, 1000);
  CHECK(purged == 4 * each);
  CHECK(store->find(sample_key("stays")) == pending("stays"));
}
