// SPDX-License-Identifier: MIT
// Runs the rounds of the suite and prints its rows. run.sh says how.

#include <cstdio>

#include "benchmarks/support/options.hpp"
#include "benchmarks/support/suite.hpp"
#include "benchmarks/support/table.hpp"
#include "benchmarks/support/warm_heap.hpp"

namespace {

using namespace nexus::idempotency::benchmarks;

constexpr Sizes smoke_sizes{
    .records = 2'000, .few_records = 200, .calls = 2'000, .mixed_calls = 2'000, .lapsed_keys = 20};

void run(const Options& options) {
  keep_heap();
  Suite suite(options.smoke ? smoke_sizes : Sizes{});
  add_first_execution(suite);
  add_replay(suite);
  add_mixed(suite);
  add_contention(suite);
  add_pieces(suite);
  if (!options.smoke) warm_heap(1'200'000'000);
  for (int round = 0; round < options.rounds; ++round) {
    std::fprintf(stderr, "throughput: round %d of %d\n", round + 1, options.rounds);
    suite.run_round(round % 2 == 1);
  }
  print_header();
  suite.print_rows();
}

}  // namespace

int main(int argc, char** argv) {
  return run_with_options(argc, argv, run);
}
