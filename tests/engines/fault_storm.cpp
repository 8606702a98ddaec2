// SPDX-License-Identifier: MIT
#include "engines/fault_storm.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "engines/fault.hpp"
#include "engines/fault_proxy.hpp"
#include "engines/together.hpp"
#include "nexus/idempotency.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"
#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t callers = 8;
constexpr int keys = 150;

IdempotencyKey storm_key(int number) {
  return {TenantId("acct_7"), OperationRef("ledger.charge"), ClientKey(std::to_string(number))};
}

struct Storm {
  testing::ManualClock clock{Timestamp(1'700'000'000s)};  // stands still: no lease lapses
  IdempotencyService service;
  const RequestFingerprint fingerprint{"cents=1000"};

  std::mutex mutex;
  std::map<int, std::vector<std::string>> executions{};  // the results, in no order
  std::atomic<int> errors{0};

  explicit Storm(IdempotencyStore& store) : service(store, clock) {}

  // Returns: what went wrong.
  std::string call(int key, std::size_t caller) {
    std::optional<BeginDecision> decision;
    try {
      decision = service.begin(storm_key(key), fingerprint);
    } catch (const StoreError&) {
      ++errors;
      return "";
    }
    const auto* first = std::get_if<FirstExecution>(&*decision);
    if (first == nullptr) return "";
    const std::string result = "by caller " + std::to_string(caller);
    {
      const std::lock_guard lock(mutex);
      executions[key].push_back(result);
    }
    for (;;) {
      try {
        service.complete(first->attempt, ResultEnvelope(result));
        return "";
      } catch (const CompletionError& error) {
        return error.what();
      } catch (const StoreError& error) {
        ++errors;
        const bool repeatable = error.is_transient() || error.code() == StoreErrc::in_doubt;
        if (!repeatable) return error.what();
      }
    }
  }

  // Calls every key several times, in an order of the caller's own.
  std::string call_all(std::size_t caller) {
    std::mt19937 random(static_cast<unsigned>(caller));
    for (int i = 0; i < 4 * keys; ++i) {
      const int key = std::uniform_int_distribution<int>(1, keys)(random);
      if (std::string wrong = call(key, caller); !wrong.empty()) return wrong;
    }
    return "";
  }
};

}  // namespace

void survive_a_storm(FaultProxy& proxy, IdempotencyStore& store) {
  Storm storm(store);
  std::vector<std::function<std::string(std::size_t)>> jobs(
      callers, [&](std::size_t caller) { return storm.call_all(caller); });
  std::future<std::vector<std::string>> findings =
      std::async(std::launch::async, [&] { return run_jobs(jobs, callers); });

  std::mt19937 random(1);
  int faults = 0;
  std::size_t late = 0;
  while (findings.wait_for(2ms) != std::future_status::ready) {
    Fault fault = every_fault[random() % std::size(every_fault)];
    if (is_stall(fault)) fault = Fault::zombie;
    proxy.arm({{random() % 16, fault}});
    if (random() % 4 == 0) late += proxy.release();
    if (random() % 64 == 0) proxy.break_idle();
    ++faults;
  }
  proxy.heal();
  late += proxy.release();
  const std::vector<std::string> wrong = findings.get();
  INFO(listing(wrong));
  CHECK(wrong.empty());

  // Who got no answer to his claim holds it until the lease is over.
  int orphaned = 0;
  for (int key = 1; key <= keys; ++key) {
    CAPTURE(key);
    BeginDecision decision = storm.service.begin(storm_key(key), storm.fingerprint);
    const std::vector<std::string>& executed = storm.executions[key];
    CHECK(executed.size() <= 1);
    if (const auto* replay = std::get_if<Replay>(&decision)) {
      REQUIRE(executed.size() == 1);
      CHECK(replay->result.payload() == executed.front());
      continue;
    }
    CHECK(executed.empty());
    if (!std::holds_alternative<InProgress>(decision)) continue;
    ++orphaned;
    storm.clock.advance(1h);
    decision = storm.service.begin(storm_key(key), storm.fingerprint);
    CHECK(std::holds_alternative<FirstExecution>(decision));
    storm.clock.advance(-1h);
  }
  CHECK(storm.errors > 0);
  CHECK(late > 0);
  WARN(faults << " faults planned, " << late << " late requests, " << storm.errors << " errors, "
              << orphaned << " of " << keys << " keys with a claim that nobody knew of");
}

}  // namespace nexus::idempotency::test
