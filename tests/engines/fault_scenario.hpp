// SPDX-License-Identifier: MIT
#pragma once

// One call of a service or store, through a connection that goes wrong: what it answered, and what
// of it is in the engine.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engines/fault.hpp"
#include "engines/fault_proxy.hpp"
#include "nexus/idempotency.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"

namespace nexus::idempotency::test {

// How the store under test is opened.
struct Opening {
  bool usual = true;   // else in the engine's other way, see there
  bool warm = true;    // it has executed everything before
  bool hasty = false;  // with timeouts that a stall can be waited for
};

// What belongs to a thread of the test: records of its own in an engine, and a way around every
// proxy.
class Workplace {
 public:
  virtual ~Workplace() = default;

  virtual IdempotencyStore& store() = 0;  // around every proxy

  [[nodiscard]] virtual std::unique_ptr<FaultProxy> make_proxy() = 0;
  // Returns: a store over the same records through the proxy, with one connection at most, so that
  // one which isn't given back is noticed.
  [[nodiscard]] virtual std::unique_ptr<IdempotencyStore> open(const FaultProxy& proxy,
                                                               const Opening& opening) = 0;

  [[nodiscard]] IdempotencyKey fresh_key();

 private:
  std::uint64_t keys_ = 0;
};

inline constexpr Timestamp scenario_start{std::chrono::seconds{1'700'000'000}};

// The subject of one scenario.
struct Subject {
  Subject(Workplace& place, const Opening& opening);

  Workplace& place;
  const Opening opening;
  const std::unique_ptr<FaultProxy> proxy;
  testing::ManualClock clock{scenario_start};
  const std::unique_ptr<IdempotencyStore> store;  // through the proxy
  IdempotencyService service;                     // on it
  IdempotencyService direct;                      // around the proxy
  IdempotencyKey key;
  std::optional<Attempt> attempt{};      // that the preparation made, to be reported for
  std::optional<Attempt> new_attempt{};  // that the call under test was given
};

// A call, what it should answer, and what should be in the engine after it.
struct Operation {
  std::string name;
  std::size_t requests;    // that it makes on a connection which is in use; 0: any number
  bool repeated_in_doubt;  // by the service: one lost answer is made up for
  bool writes;             // whether the engine may be left changed
  void (*prepare)(Subject&);
  std::string (*run)(Subject&);    // returns what it answered
  std::string (*state)(Subject&);  // returns what is in the engine
  std::string answer;
  std::string before;        // the state
  std::string after;         // the state
  std::string again_before;  // what a repeat answers if the call changed nothing
  std::string again_after;   // and what if it did
  // Whether its transaction takes several requests: as long as the server waits for the next of
  // them, a repeat is `contended`.
  bool locks = false;
};

// Those that every engine has.
[[nodiscard]] std::vector<Operation> common_operations();

// For preparations.
void claim_and_go_on(Subject& subject);
// For calls: reports a success. Returns: "done", or why it was refused.
[[nodiscard]] std::string complete(Subject& subject);
// For states: of the record at the subject's key, its token and deadline too.
[[nodiscard]] std::string record_state(Subject& subject);

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
