// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_OPTIONS_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_OPTIONS_HPP

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>

namespace nexus::idempotency::benchmarks {

struct Options {
  bool smoke = false;  // a moment of everything, to see that it works
  int rounds = 5;
};

// The main() of the benchmark programs: reads the arguments, calls `run` with them, reports what it
// throws. Returns: the program's status.
template <class Run>
[[nodiscard]] int run_with_options(int argc, char** argv, Run&& run) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--smoke") {
      options = {.smoke = true, .rounds = 2};
    } else if (argument.starts_with("--rounds=") && std::atoi(argv[i] + 9) > 0) {
      options.rounds = std::atoi(argv[i] + 9);
    } else {
      std::fprintf(stderr, "usage: %s [--smoke] [--rounds=N]\n", argv[0]);
      return 2;
    }
  }
  try {
    run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return 1;
  }
  return 0;
}

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_OPTIONS_HPP
