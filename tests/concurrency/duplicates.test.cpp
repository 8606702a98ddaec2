// SPDX-License-Identifier: MIT
// Many threads get the same commands, each in an order of its own, and again and again.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "concurrency/crew.hpp"
#include "nexus/idempotency.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"
#include "support/catch.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;

namespace {

constexpr std::size_t threads = 6;
constexpr std::size_t keys = 200;

// What is known of one key, from outside of the store.
struct Command {
  std::atomic<int> running{0};  // attempts between begin and outcome
  std::atomic<int> executed{0};
  std::atomic<int> completed{0};
  std::atomic<int> failures_left{0};
  std::string acknowledged;  // written by the one that completes it
  std::atomic<RequestFingerprint*> fingerprint{nullptr};
};

// Every thread sees every key through to its end.
void hammer(IdempotencyService& service, std::vector<Command>& commands, bool two_requests) {
  Findings findings;
  std::vector<std::vector<std::string>> replays(threads, std::vector<std::string>(keys));
  RequestFingerprint fingerprints[] = {fingerprint(), other_fingerprint()};

  run_together(threads, [&](std::size_t thread) {
    RequestFingerprint& own = fingerprints[two_requests ? thread % 2 : 0];
    std::mt19937 random(static_cast<unsigned>(thread));
    std::vector<std::size_t> open(keys);
    std::iota(open.begin(), open.end(), std::size_t{0});
    while (!open.empty()) {
      std::shuffle(open.begin(), open.end(), random);
      std::vector<std::size_t> still_open;
      for (const std::size_t n : open) {
        Command& command = commands[n];
        const BeginDecision decision = service.begin(key(std::to_string(n)), own);
        if (const std::optional<Attempt> attempt = attempt_in(decision)) {
          findings.expect(command.running.fetch_add(1) == 0, "two attempts at once");
          ++command.executed;
          RequestFingerprint* nobodys = nullptr;
          command.fingerprint.compare_exchange_strong(nobodys, &own);
          findings.expect(nobodys == nullptr || nobodys == &own, "two requests under one key");
          const bool fails = command.failures_left.fetch_sub(1) > 0;
          --command.running;
          if (fails) {
            service.fail(*attempt);
          } else {
            ++command.completed;
            command.acknowledged = "by " + std::to_string(thread);
            service.complete(*attempt, result(command.acknowledged));
            service.complete(*attempt, result(command.acknowledged));  // its answer was lost
          }
          still_open.push_back(n);  // its own replay is still to be seen
        } else if (const std::optional<std::string> bytes = replay_in(decision)) {
          replays[thread][n] = *bytes;
        } else if (is<Conflict>(decision)) {
          replays[thread][n] = "conflict";
        } else {
          findings.expect(is<InProgress>(decision), "an answer that can't be");
          still_open.push_back(n);
        }
      }
      if (still_open.size() == open.size()) std::this_thread::yield();
      open = std::move(still_open);
    }
  });

  CHECK(findings.text() == "");
  for (std::size_t n = 0; n < keys; ++n) {
    CHECK(commands[n].completed == 1);
    for (std::size_t thread = 0; thread < threads; ++thread) {
      const bool same_request =
          &fingerprints[two_requests ? thread % 2 : 0] == commands[n].fingerprint;
      CHECK(replays[thread][n] == (same_request ? commands[n].acknowledged : "conflict"));
    }
  }
}

}  // namespace

TEST_CASE("each command is executed once, and every duplicate gets its result") {
  const bool two_requests = GENERATE(false, true);
  InMemoryIdempotencyStore store;
  testing::ManualClock manual(start);
  SystemClock system;
  IdempotencyClock& clock = GENERATE(true, false) ? static_cast<IdempotencyClock&>(manual) : system;
  IdempotencyService service(store, clock);
  std::vector<Command> commands(keys);
  hammer(service, commands, two_requests);
  for (const Command& command : commands) CHECK(command.executed == 1);
  CHECK(store.size() == keys);
}

TEST_CASE("a command that fails is executed again, once at a time, until it is completed") {
  const bool two_requests = GENERATE(false, true);
  InMemoryIdempotencyStore store;
  testing::ManualClock clock(start);
  IdempotencyService service(store, clock);
  std::vector<Command> commands(keys);
  for (std::size_t n = 0; n < keys; ++n) commands[n].failures_left = static_cast<int>(n % 4);
  hammer(service, commands, two_requests);
  for (std::size_t n = 0; n < keys; ++n) {
    CHECK(commands[n].executed == static_cast<int>(n % 4) + 1);
  }
}

TEST_CASE("services of different objects over one store are one service") {
  InMemoryIdempotencyStore store;
  testing::ManualClock clock(start);
  std::vector<char> first(threads);
  Findings findings;
  for (std::size_t round = 0; round < 100; ++round) {
    run_together(threads, [&](std::size_t thread) {
      IdempotencyService service(store, clock);
      const BeginDecision decision = service.begin(key(std::to_string(round)), fingerprint());
      first[thread] = attempt_in(decision) ? 1 : 0;
      findings.expect(attempt_in(decision) || is<InProgress>(decision), "an answer that can't be");
    });
    REQUIRE(count(first) == 1);
  }
  CHECK(findings.text() == "");
}
