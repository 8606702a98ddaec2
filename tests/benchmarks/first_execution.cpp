// SPDX-License-Identifier: MIT
// begin and complete of keys that nobody has used, from an empty store on.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <memory>
#include <string>

#include "benchmarks/subjects.hpp"
#include "benchmarks/support/requests.hpp"
#include "benchmarks/support/suite.hpp"

namespace nexus::idempotency::benchmarks {
namespace {

// Without deadlines nothing is kept or compared for a purge to come.
class WithoutDeadlines : public Ours {
 public:
  WithoutDeadlines() : Ours({.pending_ttl = std::nullopt, .completed_ttl = std::nullopt}) {}
};

template <class Subject>
void add_one(Suite& suite, const std::string& name, int threads,
             const std::shared_ptr<const Requests>& requests) {
  const auto subject = std::make_shared<std::unique_ptr<Subject>>();
  suite.add(name, threads, requests->size(), [subject, requests](benchmark::State& state) {
    // Google Benchmark lets no thread into or out of the loop before all are there.
    if (state.thread_index() == 0) *subject = std::make_unique<Subject>();
    const auto share = static_cast<std::size_t>(state.max_iterations);
    Cursor cursor(*requests, share * static_cast<std::size_t>(state.thread_index()));
    for (auto _ : state) {
      if ((*subject)->handle(cursor.next()) != Outcome::executed) {
        state.SkipWithError("a fresh key was not executed");
      }
    }
    state.SetItemsProcessed(state.iterations());
    if (state.thread_index() == 0) subject->reset();
  });
}

}  // namespace

void add_first_execution(Suite& suite) {
  const auto requests = std::make_shared<const Requests>(make_requests(suite.sizes().records, 0x1));
  add_one<Ours>(suite, "first_execution_ours_1", 1, requests);
  add_one<Baseline>(suite, "first_execution_baseline_1", 1, requests);
  add_one<WithoutDeadlines>(suite, "first_execution_without_deadlines_1", 1, requests);
  add_one<ShardedBaseline>(suite, "first_execution_sharded_2", 2, requests);
  add_one<Ours>(suite, "first_execution_ours_2", 2, requests);
  add_one<Baseline>(suite, "first_execution_baseline_2", 2, requests);

  suite.compare({"first execution, 1 thread",
                 {"first_execution_ours_1"},
                 {"first_execution_baseline_1"},
                 "baseline",
                 Bar::at_least(3)});
  suite.compare({"first execution, 2 threads",
                 {"first_execution_ours_2"},
                 {"first_execution_baseline_2"},
                 "baseline",
                 Bar::at_least(6)});
  suite.compare({"first execution, 2 threads",
                 {"first_execution_ours_2"},
                 {"first_execution_sharded_2"},
                 "64 maps",
                 Bar::at_least(1.7)});
  suite.compare({"first execution, 1 thread, with what it does for purges",
                 {"first_execution_ours_1"},
                 {"first_execution_without_deadlines_1"},
                 "no deadlines",
                 Bar::at_least(0.9)});
}

}  // namespace nexus::idempotency::benchmarks
