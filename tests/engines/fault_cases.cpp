// SPDX-License-Identifier: MIT
#include "engines/fault_cases.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engines/together.hpp"
#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

class Stage {
 public:
  Stage(const Engine& engine, std::size_t threads) {
    for (std::size_t i = 0; i < threads; ++i) places_.push_back(engine.make_place());
  }

  void add(Scenario scenario) {
    // Then the repeat has to wait until the server has given the zombie up.
    if (scenario.operation->locks && scenario.release_late) scenario.opening.hasty = true;
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

}  // namespace

void calls_take_their_round_trips(const Engine& engine) {
  Stage stage(engine, 1);
  for (const Operation& operation : engine.operations) {
    if (operation.requests == 0) continue;
    CAPTURE(operation.name);
    CHECK(stage.count(operation, {}) == operation.requests);
    CHECK(stage.count(operation, {.usual = false}) == operation.requests);
  }
}

void one_fault_anywhere(const Engine& engine) {
  Stage stage(engine, few_threads);
  for (const Operation& operation : engine.operations) {
    for (const bool warm : {true, false}) {
      for (const bool usual : {true, false}) {
        const Opening opening{.usual = usual, .warm = warm};
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

void two_faults_in_a_row(const Engine& engine) {
  Stage stage(engine, few_threads);
  constexpr Fault kinds[] = {Fault::drop_request, Fault::lose_answer, Fault::zombie};
  for (const Operation& operation : engine.operations) {
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

void stalls_are_given_up(const Engine& engine) {
  Stage stage(engine, many_threads);
  for (const Operation& operation : engine.operations) {
    for (const bool warm : {true, false}) {
      const Opening opening{.warm = warm, .hasty = true};
      const std::size_t requests = stage.count(operation, opening);
      for (std::size_t i = 0; i < requests; ++i) {
        for (const Fault fault : every_fault) {
          if (!is_stall(fault)) continue;
          // On a new connection, requests before the last are the same for each call.
          if (!warm && i + 1 < requests && operation.name != "begin, first") continue;
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
               .opening = {.usual = false, .hasty = true},
               .plan = {{0, Fault::stall_answer}}});
  }
  stage.play_all();
}

void outages_end(const Engine& engine) {
  Stage stage(engine, many_threads);
  for (const Operation& operation : engine.operations) {
    for (const bool warm : {true, false}) {
      for (const bool usual : {true, false}) {
        const Opening opening{.usual = usual, .warm = warm, .hasty = true};
        stage.add({.operation = &operation, .opening = opening, .trouble = Trouble::refused});
        stage.add({.operation = &operation, .opening = opening, .trouble = Trouble::hung_up});
        if (warm) {
          stage.add({.operation = &operation, .opening = opening, .trouble = Trouble::idle_broken});
        }
        for (const Fault fault : every_fault) {
          if (is_stall(fault) && !usual) continue;
          stage.add({.operation = &operation,
                     .opening = opening,
                     .trouble = Trouble::always,
                     .plan = {{0, fault}},
                     .release_late = !usual});
        }
      }
    }
  }
  stage.play_all();
}

}  // namespace nexus::idempotency::test
