// SPDX-License-Identifier: MIT
#pragma once

// One call of a service or store, through a connection that goes wrong: what it answered, and what
// of it is in the database.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engines/fault_proxy.hpp"

#include "nexus/idempotency.hpp"
#include "nexus/idempotency/postgres/postgres_store.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"
#include "support/postgres_server.hpp"

namespace nexus::idempotency::test {

// What belongs to a thread of the test: a table of its own, and a way around every proxy.
class Workplace {
 public:
  Workplace(const std::string& conninfo, const std::string& table);

  const std::string conninfo;
  const std::string table;
  PostgresIdempotencyStore store;
  Sql session;

  [[nodiscard]] IdempotencyKey fresh_key();

 private:
  std::uint64_t keys_ = 0;
};

// How the store under test is opened.
struct Opening {
  bool prepare = true;
  bool warm = true;    // it has executed everything before
  bool hasty = false;  // with timeouts that a stall can be waited for
};

inline constexpr Timestamp scenario_start{std::chrono::seconds{1'700'000'000}};

// The subject of one scenario.
struct Subject {
  Subject(Workplace& place, const Opening& opening);

  Workplace& place;
  FaultProxy proxy;
  testing::ManualClock clock{scenario_start};
  PostgresIdempotencyStore store;  // through the proxy
  IdempotencyService service;      // on it
  IdempotencyService direct;       // around the proxy
  IdempotencyKey key;
  std::optional<Attempt> attempt;        // that the preparation made, to be reported for
  std::optional<Attempt> new_attempt{};  // that the call under test was given
  std::string table;                     // that ensure_schema is to make
  std::optional<PostgresIdempotencyStore> unmade{};  // through the proxy, on that table
};

// A call, what it should answer, and what should be in the database after it.
struct Operation {
  std::string name;
  bool repeated_in_doubt;  // by the service: one lost answer is made up for
  bool writes;             // whether the database may be left changed
  void (*prepare)(Subject&);
  std::string (*run)(Subject&);    // returns what it answered
  std::string (*state)(Subject&);  // returns what is in the database
  std::string answer;
  std::string before;        // the state
  std::string after;         // the state
  std::string again_before;  // what a repeat answers if the call changed nothing
  std::string again_after;   // and what if it did
};

[[nodiscard]] const std::vector<Operation>& every_operation();

// Returns: how many requests the call makes while all is well.
[[nodiscard]] std::size_t count_requests(Workplace& place, const Operation& operation,
                                         const Opening& opening);

enum class Trouble { planned, always, refused, hung_up, idle_broken };

struct Scenario {
  const Operation* operation;
  Opening opening;
  Trouble trouble = Trouble::planned;
  std::vector<PlannedFault> plan{};  // `always`: its first
  bool release_late = false;         // zombies come after the repeat, not before it
};

// Effects: plays it. Returns: what was wrong; empty if nothing.
[[nodiscard]] std::string play(Workplace& place, const Scenario& scenario);

}  // namespace nexus::idempotency::test
