// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_TABLE_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_TABLE_HPP

// The Markdown table that the benchmark programs print.

#include <string>
#include <vector>

namespace nexus::idempotency::benchmarks {

enum class Unit { calls_per_second, nanoseconds, microseconds, bytes, count };

// What a row must come to. `none`: it is only reported.
struct Bar {
  enum class Kind { none, ratio_at_least, ratio_at_most, ours_at_most };
  Kind kind = Kind::none;
  double value = 0;

  [[nodiscard]] static Bar at_least(double ratio) { return {Kind::ratio_at_least, ratio}; }
  [[nodiscard]] static Bar at_most(double ratio) { return {Kind::ratio_at_most, ratio}; }
  [[nodiscard]] static Bar ours_at_most(double value) { return {Kind::ours_at_most, value}; }
};

// One value a round. With `other`, the bar is for the ratio ours / other of the same round;
// without, for ours itself. `other_name` says what `other` is.
struct Row {
  std::string what;
  Unit unit;
  std::vector<double> ours;
  std::vector<double> other;
  std::string other_name;
  Bar bar;
};

// Effects: prints the row, all of it medians over the rounds, to standard output.
void print_header();
void print(const Row& row);

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_TABLE_HPP
