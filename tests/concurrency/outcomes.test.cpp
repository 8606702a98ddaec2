// SPDX-License-Identifier: MIT
// Several threads report for one attempt.
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "concurrency/crew.hpp"
#include "nexus/idempotency.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"
#include "support/catch.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;

TEST_CASE("of different outcomes of one attempt exactly one is acknowledged, however often") {
  InMemoryIdempotencyStore memory;
  MeetingStore store(memory);
  testing::ManualClock clock(start);
  IdempotencyService service(store, clock, {.allow_retry_after_fail = false});
  // Each outcome is reported by two threads; to both the same answer must come.
  constexpr std::size_t outcomes = 5;
  Findings findings;
  for (std::size_t round = 0; round < 200; ++round) {
    const IdempotencyKey the_key = key(std::to_string(round));
    const std::optional<Attempt> attempt = attempt_in(service.begin(the_key, fingerprint()));
    REQUIRE(attempt);
    std::vector<char> acknowledged(2 * outcomes);
    store.let_meet(2 * outcomes);
    run_together(2 * outcomes, [&](std::size_t thread) {
      const auto reason = refusal([&] {
        switch ((thread + round) % outcomes) {
          case 0:
            return service.complete(*attempt, result("a"));
          case 1:
            return service.complete(*attempt, result("b"));
          case 2:
            return service.complete(*attempt, ResultEnvelope::omitted());
          case 3:
            return service.fail(*attempt);
          default:
            return service.fail(*attempt, result("a"));
        }
      });
      acknowledged[thread] = reason ? 0 : 1;
      findings.expect(!reason || reason == CompletionFailure::not_open,
                      "refused for a reason that can't be");
    });
    REQUIRE(count(acknowledged) == 2);
    std::size_t winner = 0;
    while (acknowledged[winner] == 0) ++winner;
    REQUIRE(acknowledged[winner + outcomes] == 1);

    const std::optional<IdempotencyRecord> stored = store.find(the_key);
    REQUIRE(stored);
    const std::array<std::optional<ResultEnvelope>, outcomes> results = {
        result("a"), result("b"), ResultEnvelope::omitted(), std::nullopt, result("a")};
    const std::size_t outcome = (winner + round) % outcomes;
    CHECK(stored->status == (outcome < 3 ? RecordStatus::completed : RecordStatus::failed));
    CHECK(stored->result == results[outcome]);
  }
  CHECK(findings.text() == "");
}

TEST_CASE("a failure that frees the key and a completion of the same attempt don't both land") {
  InMemoryIdempotencyStore memory;
  MeetingStore store(memory);
  testing::ManualClock clock(start);
  IdempotencyService service(store, clock);
  for (std::size_t round = 0; round < 200; ++round) {
    const IdempotencyKey the_key = key(std::to_string(round));
    const std::optional<Attempt> attempt = attempt_in(service.begin(the_key, fingerprint()));
    REQUIRE(attempt);
    std::optional<CompletionFailure> completed;
    std::optional<CompletionFailure> failed;
    std::optional<Attempt> next;
    store.let_meet(2);
    run_together(3, [&](std::size_t thread) {
      if (thread == 0) completed = refusal([&] { service.complete(*attempt, result("first")); });
      if (thread == 1) failed = refusal([&] { service.fail(*attempt); });
      if (thread == 2) next = attempt_in(service.begin(the_key, fingerprint()));
    });
    CHECK(completed.has_value() != failed.has_value());
    if (next) CHECK(completed.has_value());  // it was the failure that let it in
    if (next) service.complete(*next, result("second"));
    if (!completed) {
      CHECK(replay_in(service.begin(the_key, fingerprint())) == "first");
    } else {
      CHECK((completed == CompletionFailure::not_open ||
             (next && completed == CompletionFailure::superseded)));
    }
  }
}
