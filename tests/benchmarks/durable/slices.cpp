// SPDX-License-Identifier: MIT
#include "benchmarks/durable/slices.hpp"

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <latch>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "benchmarks/support/pin.hpp"
#include "benchmarks/support/statistics.hpp"
#include "benchmarks/support/suite.hpp"

namespace nexus::idempotency::benchmarks {
namespace {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

double sum_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

// What one thread did in one slice.
struct Share {
  std::size_t items = 0;
  std::vector<double> taken;  // microseconds a run
  std::exception_ptr error;
};

// What a side has done in a round.
struct Sum {
  std::vector<double> rates;  // of each slice
  std::vector<double> taken;
};

void work(const Operation& operation, std::size_t thread, Clock::duration slice, Share& share) {
  try {
    const Clock::time_point end = Clock::now() + slice;
    Clock::time_point now;
    do {
      operation.arrange(thread);
      const Clock::time_point started = Clock::now();
      const std::size_t items = operation.run(thread);
      now = Clock::now();
      if (items == 0) return;
      share.taken.push_back(Microseconds(now - started).count());
      share.items += items;
    } while (now < end);
  } catch (...) {
    share.error = std::current_exception();
  }
}

void run_slice(const Side& side, Clock::duration slice, Sum& sum) {
  side.prepare();
  std::vector<Share> shares(side.threads);
  for (Share& share : shares) share.taken.reserve(100'000);
  std::latch all_there(static_cast<std::ptrdiff_t>(side.threads));
  const auto run_share = [&](std::size_t thread) {
    const Pin pin(thread);
    all_there.arrive_and_wait();
    work(side.operation, thread, slice, shares[thread]);
  };
  std::vector<std::thread> others;
  for (std::size_t thread = 1; thread < side.threads; ++thread) {
    others.emplace_back(run_share, thread);
  }
  run_share(0);
  for (std::thread& other : others) other.join();

  double rate = 0;
  for (const Share& share : shares) {
    if (share.error) std::rethrow_exception(share.error);
    if (share.items == 0) continue;
    rate += static_cast<double>(share.items) / sum_of(share.taken) * 1e6;
    sum.taken.insert(sum.taken.end(), share.taken.begin(), share.taken.end());
  }
  sum.rates.push_back(rate);
}

void run_turns(const Turns& turns, const std::vector<Side>& sides, benchmark::State& state) {
  std::vector<Sum> sums(sides.size());
  for (int turn = 0; turn < turns.slices; ++turn) {
    for (std::size_t i = 0; i < sides.size(); ++i) {
      const std::size_t side = turn % 2 == 0 ? i : sides.size() - 1 - i;
      run_slice(sides[side], turns.slice, sums[side]);
    }
  }
  for (std::size_t side = 0; side < sides.size(); ++side) {
    const Sum& sum = sums[side];
    state.counters[sides[side].name] = sum_of(sum.rates) / static_cast<double>(sum.rates.size());
    state.counters[sides[side].name + "_p50"] = median_of(sum.taken);
    state.counters[sides[side].name + "_p99"] = quantile_of(sum.taken, 0.99);
    state.counters[sides[side].name + "_mean"] =
        sum_of(sum.taken) / static_cast<double>(sum.taken.size());
  }
}

}  // namespace

void add_turns(Suite& suite, const std::string& name, Turns turns, std::vector<Side> sides) {
  suite.add(name, 1, 1,
            [turns, sides = std::move(sides), warm = false](benchmark::State& state) mutable {
              for (auto _ : state) {
                Sum unused;
                for (const Side& side : sides) {
                  if (!warm) run_slice(side, turns.slice, unused);
                }
                warm = true;
                run_turns(turns, sides, state);
              }
            });
}

}  // namespace nexus::idempotency::benchmarks
