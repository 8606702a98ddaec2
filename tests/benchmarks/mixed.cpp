// SPDX-License-Identifier: MIT
// Four replays to one first execution, over a store of 10⁶ records: throughput, and how long begin
// takes at worst.

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "benchmarks/subjects.hpp"
#include "benchmarks/support/filled.hpp"
#include "benchmarks/support/requests.hpp"
#include "benchmarks/support/statistics.hpp"
#include "benchmarks/support/suite.hpp"

namespace nexus::idempotency::benchmarks {
namespace {

constexpr std::size_t new_in = 5;  // one of five is new

// How long each begin took, in nanoseconds.
class Stopwatch {
 public:
  explicit Stopwatch(std::size_t calls) { taken_.reserve(calls); }

  void start() noexcept { started_ = std::chrono::steady_clock::now(); }
  void stop() noexcept {
    const std::chrono::duration<double, std::nano> taken =
        std::chrono::steady_clock::now() - started_;
    taken_.push_back(taken.count());
  }
  [[nodiscard]] double p99() const { return quantile_of(taken_, 0.99); }

 private:
  std::chrono::steady_clock::time_point started_;
  std::vector<double> taken_;
};

template <class Subject, class Watch>
void handle_share(benchmark::State& state, Subject& subject, const Requests& requests,
                  Watch& watch) {
  const auto share = static_cast<std::size_t>(state.max_iterations);
  Cursor cursor(requests, share * static_cast<std::size_t>(state.thread_index()));
  for (auto _ : state) {
    if (subject.handle(cursor.next(), watch) == Outcome::other) {
      state.SkipWithError("neither executed nor replayed");
    }
  }
  state.SetItemsProcessed(state.iterations());
  // Afterwards the new records go, so that every run finds the same store.
  if (state.thread_index() == 0 && subject.forget_short_lived() == 0) {
    state.SkipWithError("nothing was new");
  }
}

template <class Subject>
void add_one(Suite& suite, const std::string& name, int threads,
             const std::shared_ptr<Subject>& subject,
             const std::shared_ptr<const Requests>& requests) {
  suite.add("mixed_" + name, threads, requests->size(),
            [subject, requests](benchmark::State& state) {
              NoWatch watch;
              handle_share(state, *subject, *requests, watch);
            });
}

template <class Subject>
void add_timed_one(Suite& suite, const std::string& name, int threads,
                   const std::shared_ptr<Subject>& subject,
                   const std::shared_ptr<const Requests>& requests) {
  suite.add("mixed_begin_" + name, threads, requests->size(),
            [subject, requests](benchmark::State& state) {
              Stopwatch watch(static_cast<std::size_t>(state.max_iterations));
              handle_share(state, *subject, *requests, watch);
              state.counters["p99"] = {watch.p99(), benchmark::Counter::kAvgThreads};
            });
}

// Returns: requests of which one in five, at random places, is not among `stored`.
Requests mixture(const Requests& stored, std::size_t count) {
  Requests requests = draw(stored, count, 0x7);
  const Requests fresh = make_requests(count, 0x8);
  std::mt19937_64 random(0x9);
  for (std::size_t i = 0; i < count; ++i) {
    if (random() % new_in == 0) requests[i] = fresh[i];
  }
  return requests;
}

}  // namespace

void add_mixed(Suite& suite) {
  const Requests stored = make_requests(suite.sizes().records, 0xA);
  const auto requests =
      std::make_shared<const Requests>(mixture(stored, suite.sizes().mixed_calls));
  const auto ours = filled_with<Ours>(stored);
  const auto baseline = filled_with<Baseline>(stored);
  ours->become_short_lived();
  baseline->become_short_lived();
  for (const int threads : {1, 2}) {
    const std::string suffix = "_" + std::to_string(threads);
    add_one(suite, "ours" + suffix, threads, ours, requests);
    add_one(suite, "baseline" + suffix, threads, baseline, requests);
    add_timed_one(suite, "ours" + suffix, threads, ours, requests);
    add_timed_one(suite, "baseline" + suffix, threads, baseline, requests);
  }

  const std::string what = "80 % replay, 20 % new";
  suite.compare({what + ", 1 thread",
                 {"mixed_ours_1"},
                 {"mixed_baseline_1"},
                 "baseline",
                 Bar::at_least(2.5)});
  suite.compare(
      {what + ", 2 threads", {"mixed_ours_2"}, {"mixed_baseline_2"}, "baseline", Bar::at_least(5)});
  for (const std::string threads : {"1", "2"}) {
    suite.compare({what + ", p99 of begin, " + threads + (threads == "1" ? " thread" : " threads"),
                   {"mixed_begin_ours_" + threads, "p99"},
                   {"mixed_begin_baseline_" + threads, "p99"},
                   "baseline",
                   Bar::at_most(1.0 / 3),
                   Unit::nanoseconds});
  }
}

}  // namespace nexus::idempotency::benchmarks
