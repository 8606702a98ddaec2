// SPDX-License-Identifier: MIT
// execute() from many threads, with work that sometimes throws.
#include <atomic>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "concurrency/crew.hpp"
#include "nexus/idempotency.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"
#include "support/catch.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;

namespace {

struct WorkFailed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

constexpr std::size_t threads = 6;
constexpr std::size_t keys = 60;

}  // namespace

TEST_CASE("execute runs each command's work until it succeeds once") {
  InMemoryIdempotencyStore store;
  SystemClock clock;
  IdempotencyService service(store, clock);
  struct Command {
    std::atomic<int> running{0};
    std::atomic<int> runs{0};
    std::atomic<int> thrown{0};
    std::atomic<int> executed{0};
  };
  std::vector<Command> commands(keys);
  std::vector<std::vector<std::string>> results(threads, std::vector<std::string>(keys));
  Findings findings;

  run_together(threads, [&](std::size_t thread) {
    for (std::size_t step = 0; step < keys; ++step) {
      const std::size_t n = (step + thread * 7) % keys;
      Command& command = commands[n];
      const int throws_first = static_cast<int>(n % 3);
      const auto work = [&](const Attempt&) {
        findings.expect(command.running.fetch_add(1) == 0, "two runs at once");
        const int run = ++command.runs;
        --command.running;
        if (run <= throws_first) throw WorkFailed(std::to_string(n));
        return "run " + std::to_string(run) + " of " + std::to_string(n);
      };
      for (bool done = false; !done;) {
        try {
          ExecuteOutcome outcome = execute(service, key(std::to_string(n)), fingerprint(), work);
          if (const auto* executed = std::get_if<Executed>(&outcome)) {
            ++command.executed;
            findings.expect(executed->stored, "a small result was not stored");
            results[thread][n] = executed->result;
            done = true;
          } else if (const auto* replay = std::get_if<Replay>(&outcome)) {
            results[thread][n] = replay->result.payload();
            done = true;
          } else {
            findings.expect(std::holds_alternative<InProgress>(outcome), "an answer that can't be");
            std::this_thread::yield();
          }
        } catch (const WorkFailed& failed) {
          ++command.thrown;
          findings.expect(failed.what() == std::to_string(n), "somebody else's exception");
        }
      }
    }
  });

  CHECK(findings.text() == "");
  for (std::size_t n = 0; n < keys; ++n) {
    const int throws_first = static_cast<int>(n % 3);
    CHECK(commands[n].thrown == throws_first);
    CHECK(commands[n].runs == throws_first + 1);
    CHECK(commands[n].executed == 1);
    const std::string expected =
        "run " + std::to_string(throws_first + 1) + " of " + std::to_string(n);
    for (std::size_t thread = 0; thread < threads; ++thread) {
      CHECK(results[thread][n] == expected);
    }
  }
}

TEST_CASE("execute gives all callers the one refusal where retry is not allowed") {
  InMemoryIdempotencyStore store;
  testing::ManualClock clock(start);
  IdempotencyService service(store, clock, {.allow_retry_after_fail = false});
  for (std::size_t round = 0; round < 50; ++round) {
    std::atomic<int> runs{0};
    std::atomic<int> thrown{0};
    Findings findings;
    run_together(threads, [&](std::size_t) {
      for (bool done = false; !done;) {
        try {
          const ExecuteOutcome outcome =
              execute(service, key(std::to_string(round)), fingerprint(), [&](const Attempt&) {
                ++runs;
                throw WorkFailed("no");
              });
          done = std::holds_alternative<RetryNotAllowed>(outcome);
          findings.expect(done || std::holds_alternative<InProgress>(outcome),
                          "an answer that can't be");
          if (!done) std::this_thread::yield();
        } catch (const WorkFailed&) {
          ++thrown;
        }
      }
    });
    CHECK(findings.text() == "");
    CHECK(runs == 1);
    CHECK(thrown == 1);
  }
}
