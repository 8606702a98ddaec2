// SPDX-License-Identifier: MIT
// The operations on an SQLite store in which a process is killed at every point, one after the
// other; done by the process that dies (points_main.cpp), and then again by the test.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/idempotency/key.hpp"
#include "nexus/idempotency/policy.hpp"
#include "nexus/idempotency/result_envelope.hpp"
#include "nexus/idempotency/service.hpp"
#include "nexus/idempotency/sqlite/sqlite_store.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"
#include "nexus/idempotency/time.hpp"
#include "nexus/idempotency/values.hpp"

namespace nexus::idempotency::test {

// Everything here happens at this time.
inline constexpr Timestamp point_in_time{std::chrono::seconds{1'700'000'000}};
inline constexpr Duration point_lease = std::chrono::seconds(10);

// A process's store and service.
struct Site {
  std::filesystem::path file;
  SqliteStoreOptions options;
  std::optional<SqliteIdempotencyStore> store;
  testing::ManualClock clock{point_in_time};

  explicit Site(std::filesystem::path f) : file(std::move(f)) {}

  void open() {
    store.emplace(file, options);
    store->ensure_schema();
  }
  [[nodiscard]] IdempotencyService service() {
    return {*store, clock, {.pending_ttl = point_lease, .completed_ttl = std::chrono::hours(1)}};
  }
};

[[nodiscard]] IdempotencyKey point_key(std::string_view name);
[[nodiscard]] RequestFingerprint point_fingerprint();
// Longer than a page of the database.
[[nodiscard]] ResultEnvelope point_result();

// The database that most operations start from. Its records:
//   open      claimed 5 s ago
//   lapsed    claimed, and left, 100 s ago
//   done      completed with point_result
//   old-<n>   completed 2 h ago; n from 0
inline constexpr int old_records = 20;
void prepare(Site& site);

// Effects: adds records until the log is about to be moved into the database (a checkpoint).
void fill_log(Site& site);

struct Operation {
  std::string name;
  bool from_nothing = false;  // there is no database before
  bool opens = false;         // opening the store is part of it
  bool full_log = false;      // it starts after fill_log
  // Each is acknowledged by itself.
  std::vector<std::function<void(Site&)>> steps;
};

// Every operation is followed by two steps: another command's claim, and closing the store.
[[nodiscard]] const std::vector<Operation>& operations();

}  // namespace nexus::idempotency::test
