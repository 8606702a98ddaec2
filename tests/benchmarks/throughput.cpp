// SPDX-License-Identifier: MIT
// Runs the rounds of the suite and prints its rows. run.sh says how.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>

#include "benchmarks/support/suite.hpp"
#include "benchmarks/support/warm_heap.hpp"

namespace {

using namespace nexus::idempotency::benchmarks;

constexpr Sizes smoke_sizes{
    .records = 2'000, .few_records = 200, .calls = 2'000, .mixed_calls = 2'000, .lapsed_keys = 20};

void run(bool smoke, int rounds) {
  keep_heap();
  Suite suite(smoke ? smoke_sizes : Sizes{});
  add_first_execution(suite);
  add_replay(suite);
  add_mixed(suite);
  add_contention(suite);
  add_pieces(suite);
  if (!smoke) warm_heap(1'200'000'000);
  for (int round = 0; round < rounds; ++round) {
    std::fprintf(stderr, "throughput: round %d of %d\n", round + 1, rounds);
    suite.run_round(round % 2 == 1);
  }
  suite.print_rows();
}

}  // namespace

// throughput [--smoke | --rounds=N]. --smoke: a moment of everything, to see that it works.
int main(int argc, char** argv) {
  bool smoke = false;
  int rounds = 5;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--smoke") {
      smoke = true;
      rounds = 2;
    } else if (argument.starts_with("--rounds=") && std::atoi(argv[i] + 9) > 0) {
      rounds = std::atoi(argv[i] + 9);
    } else {
      std::fprintf(stderr, "usage: %s [--smoke | --rounds=N]\n", argv[0]);
      return 2;
    }
  }
  try {
    run(smoke, rounds);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
