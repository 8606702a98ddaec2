// SPDX-License-Identifier: MIT
#include "benchmarks/support/suite.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/support/pin.hpp"

namespace nexus::idempotency::benchmarks {
namespace {

class Collector final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& reported) override {
    runs.insert(runs.end(), reported.begin(), reported.end());
  }

  std::vector<Run> runs;
};

}  // namespace

void Suite::add(const std::string& name, int threads, std::size_t calls,
                std::function<void(benchmark::State&)> body) {
  const auto iterations = static_cast<std::int64_t>(calls) / threads;
  const auto pinned = [body = std::move(body)](benchmark::State& state) {
    const Pin pin(static_cast<std::size_t>(state.thread_index()));
    body(state);
  };
  benchmark::RegisterBenchmark(name.c_str(), pinned)
      ->Threads(threads)
      ->Iterations(std::max<std::int64_t>(iterations, 1))
      ->UseRealTime();
  names_.push_back(name);
}

void Suite::compare(Comparison comparison) {
  comparisons_.push_back(std::move(comparison));
}

void Suite::run_round(bool backwards) {
  std::vector<std::string> names = names_;
  if (backwards) std::reverse(names.begin(), names.end());
  for (const std::string& name : names) {
    Collector collector;
    benchmark::RunSpecifiedBenchmarks(&collector, "^" + name + "/");
    if (collector.runs.size() != 1) throw std::runtime_error("not one result: " + name);
    // A benchmark that reported an error has no counters.
    if (collector.runs[0].counters.empty()) {
      throw std::runtime_error(name + " failed: " + collector.runs[0].report_label);
    }
    for (const auto& [counter, value] : collector.runs[0].counters) {
      values_[name][counter].push_back(value);
    }
  }
}

std::vector<double> Suite::values_of(const Series& series) const {
  if (series.benchmark.empty()) return {};
  return values_.at(series.benchmark).at(series.counter);
}

void Suite::print_rows() const {
  for (const Comparison& comparison : comparisons_) {
    print(Row{comparison.what, comparison.unit, values_of(comparison.ours),
              values_of(comparison.other), comparison.other_name, comparison.bar});
  }
}

}  // namespace nexus::idempotency::benchmarks
