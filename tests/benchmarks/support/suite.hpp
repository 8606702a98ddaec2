// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_SUITE_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_SUITE_HPP

// The benchmarks of the throughput program and what is compared of them. Google Benchmark runs
// each; the rounds are the suite's: in each, every benchmark runs once, in turn, every other round
// backwards, so that what is compared has run within seconds, and each first as often as the other.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "benchmarks/support/table.hpp"

namespace nexus::idempotency::benchmarks {

struct Sizes {
  std::size_t records = 1'000'000;
  std::size_t few_records = 10'000;
  std::size_t calls = 1'000'000;
  std::size_t mixed_calls = 400'000;
  std::size_t lapsed_keys = 2'000;
};

// A counter of a benchmark; what Google Benchmark calls items are calls here.
struct Series {
  std::string benchmark;
  std::string counter = "items_per_second";
};

struct Comparison {
  std::string what;
  Series ours;
  Series other;  // without a name: the bar is for ours
  std::string other_name;
  Bar bar;
  Unit unit = Unit::calls_per_second;
};

class Suite {
 public:
  explicit Suite(const Sizes& sizes) : sizes_(sizes) {}

  [[nodiscard]] const Sizes& sizes() const noexcept { return sizes_; }

  // Effects: adds a benchmark that runs `calls` iterations, divided among its threads. Names are
  // letters, digits and '_'.
  void add(const std::string& name, int threads, std::size_t calls,
           std::function<void(benchmark::State&)> body);
  void compare(Comparison comparison);

  // Errors: std::runtime_error if a benchmark reported an error.
  void run_round(bool backwards);
  void print_rows() const;

 private:
  [[nodiscard]] std::vector<double> values_of(const Series& series) const;

  const Sizes sizes_;
  std::vector<std::string> names_;
  std::vector<Comparison> comparisons_;
  std::map<std::string, std::map<std::string, std::vector<double>>> values_;
};

// Each in the file of that name.
void add_first_execution(Suite& suite);
void add_replay(Suite& suite);
void add_mixed(Suite& suite);
void add_contention(Suite& suite);
void add_pieces(Suite& suite);

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_SUITE_HPP
