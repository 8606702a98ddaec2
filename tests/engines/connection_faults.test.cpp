// SPDX-License-Identifier: MIT
// Every fault of a connection, at every request of every call: the outcome is right or an error
// that says the truth, the same call again is right, and nothing is executed twice.
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engines/fault_scenario.hpp"
#include "engines/together.hpp"
#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

class Stage {
 public:
  explicit Stage(std::size_t threads) {
    for (std::size_t i = 0; i < threads; ++i) {
      places_.push_back(std::make_unique<Workplace>(postgres_conninfo(), fresh_name("faults")));
    }
  }

  void add(const Scenario& scenario) {
    // ensure_schema's transaction takes several requests: as long as the server waits for the next
    // of them, nobody else can make the table.
    if (scenario.operation->name == "ensure_schema" && scenario.release_late) return;
    jobs_.push_back(
        [this, scenario](std::size_t thread) { return play(*places_[thread], scenario); });
  }
  std::size_t count(const Operation& operation, const Opening& opening) {
    return count_requests(*places_.front(), operation, opening);
  }

  void play_all() {
    const std::vector<std::string> findings = run_jobs(jobs_, places_.size());
    INFO(listing(findings));
    CHECK(findings.empty());
    CHECK(jobs_.size() > 40);
    WARN(jobs_.size() << " scenarios, " << findings.size() << " gone wrong");
  }

 private:
  std::vector<std::unique_ptr<Workplace>> places_;
  std::vector<std::function<std::string(std::size_t)>> jobs_;
};

// Stalls are waited for, so many of them at once; everything else works.
constexpr std::size_t few_threads = 4;
constexpr std::size_t many_threads = 24;

TEST_CASE("a call is one round trip on a connection that is in use") {
  Stage stage(1);
  for (const Operation& operation : every_operation()) {
    if (operation.name == "ensure_schema") continue;
    const bool two_calls =
        operation.name == "begin, takeover" || operation.name == "complete, superseded";
    CAPTURE(operation.name);
    CHECK(stage.count(operation, {.warm = true}) == (two_calls ? 2U : 1U));
    CHECK(stage.count(operation, {.prepare = false, .warm = true}) == (two_calls ? 2U : 1U));
  }
}

TEST_CASE("one fault at any request of any call") {
  Stage stage(few_threads);
  for (const Operation& operation : every_operation()) {
    for (const bool warm : {true, false}) {
      for (const bool prepare : {true, false}) {
        const Opening opening{.prepare = prepare, .warm = warm};
        const std::size_t requests = stage.count(operation, opening);
        for (std::size_t i = 0; i < requests; ++i) {
          for (const Fault fault : every_fault) {
            if (is_stall(fault)) continue;
            stage.add({.operation = &operation, .opening = opening, .plan = {{i, fault}}});
            if (!is_zombie(fault)) continue;
            stage.add({.operation = &operation,
                       .opening = opening,
                       .plan = {{i, fault}},
                       .release_late = true});
          }
        }
      }
    }
  }
  stage.play_all();
}

TEST_CASE("two faults in a row") {
  Stage stage(few_threads);
  constexpr Fault kinds[] = {Fault::drop_request, Fault::lose_answer, Fault::zombie};
  for (const Operation& operation : every_operation()) {
    const std::size_t requests = stage.count(operation, {});
    for (std::size_t i = 0; i < requests; ++i) {
      for (const Fault first : kinds) {
        for (const Fault second : kinds) {
          for (std::size_t between = 0; between < 4; ++between) {
            stage.add({.operation = &operation,
                       .opening = {},
                       .plan = {{i, first}, {between, second}},
                       .release_late = between % 2 == 1});
          }
        }
      }
    }
  }
  stage.play_all();
}

TEST_CASE("stalls are given up in time") {
  Stage stage(many_threads);
  for (const Operation& operation : every_operation()) {
    for (const bool warm : {true, false}) {
      const Opening opening{.warm = warm, .hasty = true};
      const std::size_t requests = stage.count(operation, opening);
      for (std::size_t i = 0; i < requests; ++i) {
        for (const Fault fault : every_fault) {
          if (!is_stall(fault)) continue;
          // On a new connection, requests before the last are the same for each call.
          if (!warm && i + 1 < requests && operation.name != "begin, first") continue;
          if (operation.name == "ensure_schema" && is_zombie(fault)) continue;  // as in add()
          stage.add({.operation = &operation, .opening = opening, .plan = {{i, fault}}});
          if (!is_zombie(fault)) continue;
          stage.add({.operation = &operation,
                     .opening = opening,
                     .plan = {{i, fault}},
                     .release_late = true});
        }
      }
    }
    stage.add({.operation = &operation,
               .opening = {.prepare = false, .hasty = true},
               .plan = {{0, Fault::stall_answer}}});
  }
  stage.play_all();
}

TEST_CASE("an outage that lasts, and its end") {
  Stage stage(many_threads);
  for (const Operation& operation : every_operation()) {
    for (const bool warm : {true, false}) {
      for (const bool prepare : {true, false}) {
        const Opening opening{.prepare = prepare, .warm = warm, .hasty = true};
        stage.add({.operation = &operation, .opening = opening, .trouble = Trouble::refused});
        stage.add({.operation = &operation, .opening = opening, .trouble = Trouble::hung_up});
        if (warm) {
          stage.add({.operation = &operation, .opening = opening, .trouble = Trouble::idle_broken});
        }
        for (const Fault fault : every_fault) {
          if (is_stall(fault) && !prepare) continue;
          stage.add({.operation = &operation,
                     .opening = opening,
                     .trouble = Trouble::always,
                     .plan = {{0, fault}},
                     .release_late = !prepare});
        }
      }
    }
  }
  stage.play_all();
}

}  // namespace
}  // namespace nexus::idempotency::test
