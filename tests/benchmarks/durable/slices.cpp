// SPDX-License-Identifier: MIT
#include "benchmarks/durable/slices.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <latch>
#include <memory>
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

// What one thread did in one slice.
struct Share {
  Clock::time_point started;
  Clock::time_point ended;
  std::size_t items = 0;
  std::vector<double> taken;  // microseconds an operation
  std::exception_ptr error;
};

// What a side has done in a round.
struct Sum {
  double seconds = 0;
  double items = 0;
  std::vector<double> taken;
};

void work(const Side& side, std::size_t thread, Clock::duration slice, Share& share) {
  share.started = share.ended = Clock::now();
  try {
    while (share.ended - share.started < slice) {
      const std::size_t items = side.operation(thread);
      if (items == 0) return;
      const Clock::time_point now = Clock::now();
      share.taken.push_back(Microseconds(now - share.ended).count());
      share.items += items;
      share.ended = now;
    }
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
    work(side, thread, slice, shares[thread]);
  };
  std::vector<std::thread> others;
  for (std::size_t thread = 1; thread < side.threads; ++thread) {
    others.emplace_back(run_share, thread);
  }
  run_share(0);
  for (std::thread& other : others) other.join();

  Clock::time_point started = shares[0].started;
  Clock::time_point ended = shares[0].ended;
  for (const Share& share : shares) {
    if (share.error) std::rethrow_exception(share.error);
    started = std::min(started, share.started);
    ended = std::max(ended, share.ended);
    sum.items += static_cast<double>(share.items);
    sum.taken.insert(sum.taken.end(), share.taken.begin(), share.taken.end());
  }
  sum.seconds += std::chrono::duration<double>(ended - started).count();
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
    double all_taken = 0;
    for (const double taken : sum.taken) all_taken += taken;
    state.counters[sides[side].name] = sum.items / sum.seconds;
    state.counters[sides[side].name + "_p50"] = median_of(sum.taken);
    state.counters[sides[side].name + "_mean"] = all_taken / static_cast<double>(sum.taken.size());
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
