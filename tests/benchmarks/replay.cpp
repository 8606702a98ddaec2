// SPDX-License-Identifier: MIT
// Replays: at random over many records and over few, of one hot key, and with the caller's part
// (making key and fingerprint) taken out.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/subjects.hpp"
#include "benchmarks/support/filled.hpp"
#include "benchmarks/support/requests.hpp"
#include "benchmarks/support/suite.hpp"

namespace nexus::idempotency::benchmarks {
namespace {

template <class Subject>
void add_one(Suite& suite, const std::string& name, int threads,
             const std::shared_ptr<Subject>& subject,
             const std::shared_ptr<const Requests>& requests) {
  suite.add(name, threads, suite.sizes().calls, [subject, requests](benchmark::State& state) {
    const auto threads_in_all = static_cast<std::size_t>(state.threads());
    const auto thread = static_cast<std::size_t>(state.thread_index());
    Cursor cursor(*requests, requests->size() / threads_in_all * thread);
    for (auto _ : state) {
      if (subject->handle(cursor.next()) != Outcome::replayed) {
        state.SkipWithError("a completed key was not replayed");
      }
    }
    state.SetItemsProcessed(state.iterations());
  });
}

// Replays `asked`, of the `stored` records, by ours and the baseline, with 1 thread and with 2.
void add_pair(Suite& suite, const std::string& name, const Requests& stored,
              const std::shared_ptr<const Requests>& asked) {
  const auto ours = filled_with<Ours>(stored);
  const auto baseline = filled_with<Baseline>(stored);
  for (const int threads : {1, 2}) {
    const std::string suffix = "_" + std::to_string(threads);
    add_one(suite, name + "_ours" + suffix, threads, ours, asked);
    add_one(suite, name + "_baseline" + suffix, threads, baseline, asked);
  }
}

void compare_with_baseline(Suite& suite, const std::string& what, const std::string& name,
                           int threads, Bar bar) {
  const std::string suffix = "_" + std::to_string(threads);
  suite.compare({what + (threads == 1 ? ", 1 thread" : ", 2 threads"),
                 {name + "_ours" + suffix},
                 {name + "_baseline" + suffix},
                 "baseline",
                 bar});
}

}  // namespace

void add_replay(Suite& suite) {
  const Sizes& sizes = suite.sizes();
  const Requests many = make_requests(sizes.records, 0x2);
  add_pair(suite, "replay_many", many,
           std::make_shared<const Requests>(draw(many, sizes.calls, 0x3)));
  compare_with_baseline(suite, "replay over 10⁶ records", "replay_many", 1, Bar::at_least(2.2));
  compare_with_baseline(suite, "replay over 10⁶ records", "replay_many", 2, Bar::at_least(5));

  const Requests few = make_requests(sizes.few_records, 0x4);
  // As many as there are, again and again: they fit into a cache, as a caller's request would.
  add_pair(suite, "replay_few", few,
           std::make_shared<const Requests>(draw(few, sizes.few_records, 0x5)));
  compare_with_baseline(suite, "replay over 10⁴ records", "replay_few", 1, Bar::at_least(4));
  compare_with_baseline(suite, "replay over 10⁴ records", "replay_few", 2, Bar::at_least(6));

  const Requests hot = make_requests(1, 0x6);
  add_pair(suite, "replay_hot", hot, std::make_shared<const Requests>(hot));
  compare_with_baseline(suite, "replay of one key", "replay_hot", 1, {});
  compare_with_baseline(suite, "replay of one key", "replay_hot", 2, Bar::at_least(1.5));
  suite.compare({"replay of one key, 2 threads together (an aim)",
                 {"replay_hot_ours_2"},
                 {"replay_hot_ours_1"},
                 "1 thread",
                 {}});
}

}  // namespace nexus::idempotency::benchmarks
