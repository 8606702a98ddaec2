// SPDX-License-Identifier: MIT
#pragma once

// What holds of both engines when a command's effect and its record commit together.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "engines/child.hpp"
#include "engines/ledger.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"
#include "support/catch.hpp"

namespace nexus::idempotency::test {

using namespace std::chrono_literals;

inline constexpr Timestamp ledger_start{std::chrono::seconds{1'700'000'000}};
inline constexpr const char* agreement = "0 0 0 0";

inline std::vector<std::string> worker(const std::string& program, const std::string& target,
                                       Pattern pattern, long fatal, Timestamp now, long first,
                                       long last) {
  return {program,
          target,
          pattern == Pattern::claim_first ? "claim_first" : "one_transaction",
          std::to_string(fatal),
          std::to_string(now.time_since_epoch().count()),
          std::to_string(first),
          std::to_string(last)};
}

// A worker dies at each step that it has; the next one finds the truth and finishes.
template <class Ledger>
void die_at_every_step(const std::string& program, Pattern pattern, long least_steps) {
  typename Ledger::Place place;
  Ledger ledger(place.target());
  ledger.set_up();
  long executed_by_the_dead = 0;
  long step = 1;
  for (;; ++step) {
    CAPTURE(step);
    const Timestamp now = ledger_start + step * 1h;
    const int end = Child(worker(program, place.target(), pattern, step, now, step, step)).wait();
    if (end == 0) break;  // it has no such step
    REQUIRE(end == killed);
    CHECK(ledger.contradictions() == agreement);
    executed_by_the_dead += ledger.rows(std::to_string(step));

    // With its lease over, whatever was claimed is free.
    const Timestamp later = now + 30min;
    REQUIRE(Child(worker(program, place.target(), pattern, 0, later, step, step)).wait() == 0);
    CHECK(ledger.rows(std::to_string(step)) == 1);
    CHECK(ledger.contradictions() == agreement);
  }
  CHECK(step >= least_steps);
  CHECK(executed_by_the_dead > 0);         // some died only after the commit
  CHECK(executed_by_the_dead < step - 1);  // and others before it
}

// Workers of both patterns, who take over from one another, die at any moment.
template <class Ledger>
void die_at_random(const std::string& program, int rounds) {
  typename Ledger::Place place;
  Ledger ledger(place.target());
  ledger.set_up();
  std::mt19937 random(20240229);
  std::uniform_int_distribution<int> microseconds(0, 30'000);
  const std::string max_command = "SELECT coalesce(max(cast(command AS integer)), 0) FROM ledger";
  long last = 0;
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    const long first = last > 20 ? last - 20 : 1;
    const long end = first + 10'000;
    Child one(worker(program, place.target(), Pattern::one_transaction, 0, {}, first, end));
    Child other(worker(program, place.target(), Pattern::claim_first, 0, {}, first, end));
    one.wait_until_ready();
    other.wait_until_ready();
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds(random)));
    one.kill_now();
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds(random) / 4));
    other.kill_now();
    REQUIRE(ledger.contradictions() == agreement);
    last = std::stol(ledger.run(max_command));
  }
  REQUIRE(Child(worker(program, place.target(), Pattern::claim_first, 0, {}, 1, last)).wait() == 0);
  CHECK(ledger.contradictions() == agreement);
  CHECK(ledger.run("SELECT count(*) FROM ledger") == std::to_string(last));
  CHECK(last > rounds / 10);
  WARN(2 * rounds << " processes killed, " << last << " commands executed once each");
}

// Effects: runs `work` on a thread of its own and waits until it is held up by `ledger`'s lock.
template <class Ledger>
std::future<std::string> run_until_it_waits(Ledger& ledger, std::function<std::string()> work) {
  std::future<std::string> answer = std::async(std::launch::async, std::move(work));
  while (!ledger.is_waiting()) {
    if (answer.wait_for(1ms) == std::future_status::ready) {
      throw std::runtime_error("it did not wait: " + answer.get());
    }
  }
  return answer;
}

template <class Ledger>
struct Desk {
  typename Ledger::Place place;
  testing::ManualClock clock{ledger_start};
  Ledger one{place.target()};
  Ledger other{place.target()};
  std::unique_ptr<IdempotencyServiceInterface> outcomes;

  Desk() {
    one.set_up();
    outcomes = make_service(one.outcomes(), clock);
  }

  Attempt begin() {
    return std::get<FirstExecution>(outcomes->begin(ledger_key("1"), ledger_fingerprint())).attempt;
  }
  void execute(const Attempt& attempt) { record_row(*outcomes, attempt, one.insert("1")); }
  std::string run(Ledger& ledger, Pattern pattern = Pattern::one_transaction) {
    return run_command(ledger, clock, pattern, "1");
  }
};

template <class Ledger>
void second_waits_and_is_replayed(Pattern first) {
  Desk<Ledger> desk;
  std::optional<Attempt> attempt;
  if (first == Pattern::claim_first) {
    const auto claims = make_service(desk.one.claims(), desk.clock);
    attempt =
        std::get<FirstExecution>(claims->begin(ledger_key("1"), ledger_fingerprint())).attempt;
    desk.clock.advance(1h);  // others may take over
  }
  Transaction transaction(desk.one);
  if (!attempt) attempt = desk.begin();
  desk.execute(*attempt);
  auto second = run_until_it_waits(desk.other, [&] { return desk.run(desk.other); });
  transaction.commit();
  CHECK(second.get() == "replayed row 1");
  CHECK(desk.one.contradictions() == agreement);
  CHECK(desk.one.rows("1") == 1);
}

template <class Ledger>
void second_waits_and_gets_the_key(Pattern first) {
  Desk<Ledger> desk;
  std::optional<Attempt> attempt;
  if (first == Pattern::claim_first) {
    const auto claims = make_service(desk.one.claims(), desk.clock);
    attempt =
        std::get<FirstExecution>(claims->begin(ledger_key("1"), ledger_fingerprint())).attempt;
    desk.clock.advance(1h);
  }
  std::future<std::string> second;
  {
    Transaction transaction(desk.one);
    if (!attempt) attempt = desk.begin();
    desk.execute(*attempt);
    second = run_until_it_waits(desk.other, [&] { return desk.run(desk.other); });
  }
  CHECK(second.get().starts_with("executed"));
  CHECK(desk.one.contradictions() == agreement);
  CHECK(desk.one.rows("1") == 1);

  // The first one, who does not know yet, is told, and leaves no row.
  if (first == Pattern::claim_first) {
    Transaction transaction(desk.one);
    (void)desk.one.insert("1");
    CHECK_THROWS_AS(record_row(*desk.outcomes, *attempt, "mine"), CompletionError);
  }
  CHECK(desk.one.contradictions() == agreement);
  CHECK(desk.one.rows("1") == 1);
}

template <class Ledger>
void rolled_back_leaves_the_key_free(Pattern pattern) {
  Desk<Ledger> desk;
  if (pattern == Pattern::one_transaction) {
    {
      Transaction transaction(desk.one);
      (void)desk.begin();
    }
    CHECK_FALSE(desk.other.outcomes().find(ledger_key("1")));
    {
      Transaction transaction(desk.one);
      desk.execute(desk.begin());
    }
    CHECK_FALSE(desk.other.outcomes().find(ledger_key("1")));
    CHECK(desk.run(desk.other).starts_with("executed"));
  } else {
    const auto claims = make_service(desk.one.claims(), desk.clock);
    const auto attempt =
        std::get<FirstExecution>(claims->begin(ledger_key("1"), ledger_fingerprint())).attempt;
    {
      Transaction transaction(desk.one);
      desk.execute(attempt);
    }
    // The claim stands, and its owner may try the transaction again.
    CHECK(desk.run(desk.other) == "in progress");
    Transaction transaction(desk.one);
    desk.execute(attempt);
    transaction.commit();
  }
  CHECK(desk.one.rows("1") == 1);
  CHECK(desk.one.contradictions() == agreement);
}

// An owner whose lease is over and whom another has superseded: his row must not stay.
template <class Ledger>
void superseded_owner_leaves_no_row(bool successor_is_done) {
  Desk<Ledger> desk;
  const auto claims = make_service(desk.one.claims(), desk.clock);
  const auto others = make_service(desk.other.claims(), desk.clock);
  const auto old =
      std::get<FirstExecution>(claims->begin(ledger_key("1"), ledger_fingerprint())).attempt;
  desk.clock.advance(1h);
  const auto successor =
      std::get<FirstExecution>(others->begin(ledger_key("1"), ledger_fingerprint())).attempt;
  const auto finish = [&] {
    Transaction transaction(desk.one);
    desk.execute(successor);
    transaction.commit();
  };
  if (successor_is_done) finish();
  {
    Transaction transaction(desk.one);
    const std::string row = desk.one.insert("1");
    try {
      record_row(*desk.outcomes, old, row);
      FAIL("a superseded owner has completed");
    } catch (const CompletionError& error) {
      CHECK(error.reason() == CompletionFailure::superseded);
    }
  }
  if (!successor_is_done) finish();
  CHECK(desk.one.rows("1") == 1);
  CHECK(desk.one.contradictions() == agreement);
}

// Many at once with the same few commands, in both patterns.
template <class Ledger>
void many_at_once() {
  constexpr int threads = 8;
  constexpr int commands = 20;
  Desk<Ledger> desk;
  std::atomic<int> executed{0};
  std::vector<std::future<std::string>> crew;
  for (int i = 0; i < threads; ++i) {
    crew.push_back(std::async(std::launch::async, [&, i]() -> std::string {
      Ledger ledger(desk.place.target());
      const Pattern pattern = i % 2 == 0 ? Pattern::one_transaction : Pattern::claim_first;
      for (int command = 1; command <= commands;) {
        const std::string answer =
            run_command(ledger, desk.clock, pattern, std::to_string(command));
        if (answer == "in progress") {
          std::this_thread::yield();
          continue;
        }
        if (answer.starts_with("executed")) ++executed;
        ++command;
      }
      return "";
    }));
  }
  for (auto& one : crew) CHECK_NOTHROW(one.get());
  CHECK(executed == commands);
  CHECK(desk.one.contradictions() == agreement);
  CHECK(desk.one.run("SELECT count(*) FROM ledger") == std::to_string(commands));
}

}  // namespace nexus::idempotency::test
