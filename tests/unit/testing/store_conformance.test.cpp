// SPDX-License-Identifier: MIT
// How the suite is run and reported. What it demands is tested in tests/conformance, by stores that
// are right or wrong.
#include "nexus/idempotency/testing/store_conformance.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "nexus/idempotency/in_memory_store.hpp"
#include "nexus/idempotency/testing/faulty_store.hpp"
#include "support/catch.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

class GoodFixture final : public StoreFixture {
 public:
  std::unique_ptr<IdempotencyStore> make_store() override {
    return std::make_unique<InMemoryIdempotencyStore>();
  }
};

// Right but for the fence that find gives.
class WrongFind final : public IdempotencyStore {
 public:
  std::optional<IdempotencyRecord> find(const IdempotencyKey& key) override {
    auto found = store_.find(key);
    if (found) ++found->fence;
    return found;
  }
  ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    return store_.claim_pending(candidate);
  }
  bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override {
    return store_.save_if(guard, next);
  }
  std::size_t purge_expired(Timestamp before, std::size_t limit) override {
    return store_.purge_expired(before, limit);
  }

 private:
  InMemoryIdempotencyStore store_;
};

class WrongFixture final : public StoreFixture {
 public:
  std::unique_ptr<IdempotencyStore> make_store() override { return std::make_unique<WrongFind>(); }
};

class NoStoreFixture final : public StoreFixture {
 public:
  std::unique_ptr<IdempotencyStore> make_store() override { return nullptr; }
};

// A store that is out of reach from its third call on.
class FailingFixture final : public StoreFixture {
 public:
  std::unique_ptr<IdempotencyStore> make_store() override {
    inner_ = std::make_unique<InMemoryIdempotencyStore>();
    auto store = std::make_unique<FaultyStore>(*inner_);
    store->fail(3, StoreErrc::unavailable);
    return store;
  }

 private:
  std::unique_ptr<InMemoryIdempotencyStore> inner_;
};

const ConformanceCase& case_named(std::string_view beginning) {
  for (const ConformanceCase& one : conformance_cases()) {
    if (one.name.substr(0, beginning.size()) == beginning) return one;
  }
  throw std::runtime_error("no case begins with " + std::string(beginning));
}

}  // namespace

TEST_CASE("there are cases, each with a function and a name of its own") {
  CHECK_FALSE(conformance_cases().empty());
  std::set<std::string_view> names;
  for (const ConformanceCase& one : conformance_cases()) {
    CHECK_FALSE(one.name.empty());
    CHECK(one.run != nullptr);
    INFO(one.name);
    CHECK(names.insert(one.name).second);
  }
}

TEST_CASE("a run reports every case, in order") {
  GoodFixture fixture;
  const ConformanceReport report = run_conformance(fixture);
  REQUIRE(report.results.size() == conformance_cases().size());
  for (std::size_t i = 0; i < report.results.size(); ++i) {
    CHECK(report.results[i].name == conformance_cases()[i].name);
  }
  CHECK(report.passed());
  CHECK(report.count(ConformanceOutcome::failed) == 0);
  CHECK(report.count(ConformanceOutcome::passed) > report.count(ConformanceOutcome::skipped));
  CHECK(report.count(ConformanceOutcome::passed) + report.count(ConformanceOutcome::skipped) ==
        report.results.size());
}

TEST_CASE("a failure carries the name of its case and says what differs") {
  WrongFixture fixture;
  const ConformanceCase& one = case_named("claim_pending: stores");
  const ConformanceResult result = run_case(one, fixture);
  CHECK(result.name == one.name);
  CHECK(result.outcome == ConformanceOutcome::failed);
  CHECK_THAT(result.text, ContainsSubstring("fence is 42, not 41"));
  CHECK_THROWS_AS(one.run(fixture), ConformanceFailure);
  CHECK_FALSE(run_conformance(fixture).passed());
}

TEST_CASE("a case that does not apply is skipped with its reason, and does not fail the run") {
  GoodFixture fixture;
  const ConformanceResult result = run_case(case_named("objects: contents outlive"), fixture);
  CHECK(result.outcome == ConformanceOutcome::skipped);
  CHECK_THAT(result.text, ContainsSubstring("reopen() returned null"));
}

TEST_CASE("an exception of the store fails the case") {
  FailingFixture fixture;
  const ConformanceResult result = run_case(case_named("save_if: never inserts"), fixture);
  CHECK(result.outcome == ConformanceOutcome::failed);
  CHECK_THAT(result.text, ContainsSubstring("unavailable"));
  // Also one on another thread than the case's.
  const ConformanceResult on_thread = run_case(case_named("threads: one of many claims"), fixture);
  CHECK(on_thread.outcome == ConformanceOutcome::failed);
  CHECK_THAT(on_thread.text, ContainsSubstring("unavailable"));
}

TEST_CASE("whatever a case throws, it ends as a result") {
  GoodFixture fixture;
  const ConformanceCase odd{"odd", [](StoreFixture&) { throw 1; }};
  CHECK(run_case(odd, fixture).outcome == ConformanceOutcome::failed);
  NoStoreFixture no_store;
  for (const ConformanceResult& result : run_conformance(no_store).results) {
    INFO(result);
    CHECK(result.outcome != ConformanceOutcome::passed);
  }
}

TEST_CASE("a report prints a line a case, the reasons, and the counts") {
  ConformanceReport report;
  report.results = {{"first", ConformanceOutcome::passed, ""},
                    {"second", ConformanceOutcome::skipped, "it can't"},
                    {"third", ConformanceOutcome::failed, "it is wrong"}};
  std::ostringstream out;
  out << report;
  CHECK(out.str() ==
        "passed   first\n"
        "skipped  second\n  it can't\n"
        "failed   third\n  it is wrong\n"
        "1 passed, 1 skipped, 1 failed\n");
  CHECK_FALSE(report.passed());
}
