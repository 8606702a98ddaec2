// SPDX-License-Identifier: MIT
// Bytes a record, how long locks are held while the table grows and while lapsed records are
// purged, and what a purge does to the callers beside it.

#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "benchmarks/subjects.hpp"
#include "benchmarks/support/footprint.hpp"
#include "benchmarks/support/lock_clock.hpp"
#include "benchmarks/support/options.hpp"
#include "benchmarks/support/pin.hpp"
#include "benchmarks/support/requests.hpp"
#include "benchmarks/support/statistics.hpp"
#include "benchmarks/support/table.hpp"
#include "benchmarks/support/warm_heap.hpp"

namespace {

using namespace nexus::idempotency;
using namespace nexus::idempotency::benchmarks;

constexpr double p99 = 0.99;

// The longest that an insert into a store that grows to `requests.size()` held a lock.
template <class Subject>
double longest_hold_of_growth(const Requests& requests) {
  const auto subject = std::make_unique<Subject>();
  const LockHolds holds = lock_holds_of(LockTime::processor, 2 * requests.size(), [&] {
    for (const Request& request : requests) {
      if (subject->handle(request) != Outcome::executed) throw std::logic_error("not executed");
    }
  });
  if (!holds.nested.empty()) throw std::logic_error("an insert holds two locks at a time");
  return quantile_of(holds.outermost, 1);
}

// Half of the records lapse within the hour, the others do not.
template <class Subject>
std::unique_ptr<Subject> half_lapsing(const Requests& kept, const Requests& lapsing) {
  auto subject = std::make_unique<Subject>();
  for (const Request& request : kept) (void)subject->handle(request);
  subject->become_short_lived();
  for (const Request& request : lapsing) (void)subject->handle(request);
  return subject;
}

struct PurgeFigures {
  double hold_p99 = 0;
  double begin_p99_without = 0;
  double begin_p99_during = 0;
};

// How long each begin took, in nanoseconds, values included.
class Stopwatch {
 public:
  explicit Stopwatch(std::vector<double>& taken) : taken_(taken) {}
  void start() noexcept { started_ = std::chrono::steady_clock::now(); }
  void stop() {
    const std::chrono::duration<double, std::nano> taken =
        std::chrono::steady_clock::now() - started_;
    if (taken_.size() < taken_.capacity()) taken_.push_back(taken.count());
  }

 private:
  std::vector<double>& taken_;
  std::chrono::steady_clock::time_point started_;
};

// One thread replays kept records all the time, while this one waits as long as a purge takes,
// and purges.
template <class Subject>
PurgeFigures purge(const Requests& kept, const Requests& lapsing) {
  const std::unique_ptr<Subject> subject = half_lapsing<Subject>(kept, lapsing);
  const Requests asked = draw(kept, kept.size(), 0x13);
  enum class Phase { starting, without, during, over };
  std::atomic<Phase> phase{Phase::starting};
  std::vector<double> without;
  std::vector<double> during;
  without.reserve(10 * kept.size());
  during.reserve(10 * kept.size());
  std::atomic<bool> seen_during{false};
  bool all_replayed = true;
  const Pin pin(0);
  std::thread caller([&] {
    const Pin other_pin(1);
    Cursor cursor(asked, 0);
    for (const Request& request : asked) (void)subject->handle(request);
    phase = Phase::without;
    for (Phase now = phase; now != Phase::over; now = phase) {
      Stopwatch watch(now == Phase::without ? without : during);
      for (int i = 0; i < 16; ++i) {
        all_replayed &= subject->handle(cursor.next(), watch) == Outcome::replayed;
      }
      if (now == Phase::during) seen_during = true;
    }
  });
  while (phase == Phase::starting) std::this_thread::yield();
  // Work that has nothing to do with the store, so that this core is busy either way.
  const Requests unrelated = make_requests(kept.size(), 0x14);
  benchmark::DoNotOptimize(unrelated.data());
  std::size_t removed = 0;
  phase = Phase::during;
  const LockHolds holds =
      lock_holds_of(LockTime::wall, kept.size(), [&] { removed = subject->forget_short_lived(); });
  while (!seen_during) std::this_thread::yield();  // a very short purge
  phase = Phase::over;
  caller.join();
  if (!all_replayed) throw std::logic_error("a kept record was not replayed");
  if (removed != lapsing.size()) throw std::logic_error("not all that lapsed was removed");
  // purge_expired of ours holds an outer lock all the time, which only other purges wait for.
  const std::vector<double>& waited_for = holds.nested.empty() ? holds.outermost : holds.nested;
  return {quantile_of(waited_for, p99), quantile_of(without, p99), quantile_of(during, p99)};
}

void run(const Options& options) {
  const std::size_t records = options.smoke ? 2'000 : 1'000'000;
  keep_heap();
  print_header();
  print(Row{"heap bytes a record over its payload, 10⁶ records",
            Unit::bytes,
            {overhead_per_record<Ours>(records)},
            {overhead_per_record<Baseline>(records)},
            "baseline",
            Bar::ours_at_most(180)});

  const Requests kept = make_requests(records, 0x15);
  const Requests lapsing = make_requests(records, 0x16);
  if (!options.smoke) warm_heap(1'800'000'000);
  Row growth{"longest hold of a lock, 0 to 10⁶ records",
             Unit::microseconds,
             {},
             {},
             "",
             Bar::ours_at_most(1'000)};
  Row hold{"purge of 10⁶ of 2·10⁶ records: p99 of the holds of a lock",
           Unit::microseconds,
           {},
           {},
           "",
           Bar::ours_at_most(100)};
  Row begin{
      "p99 of begin, beside the purge", Unit::nanoseconds, {}, {}, "without it", Bar::at_most(1.5)};
  for (int round = 0; round < options.rounds; ++round) {
    std::fprintf(stderr, "limits: round %d of %d\n", round + 1, options.rounds);
    growth.ours.push_back(longest_hold_of_growth<Ours>(kept));
    const PurgeFigures ours = purge<Ours>(kept, lapsing);
    hold.ours.push_back(ours.hold_p99);
    begin.ours.push_back(ours.begin_p99_during);
    begin.other.push_back(ours.begin_p99_without);
  }
  print(growth);
  print(hold);
  print(begin);
  // The baseline's are so far off that once is enough.
  print(Row{"of the baseline: longest hold of the lock, 0 to 10⁶ records",
            Unit::microseconds,
            {longest_hold_of_growth<Baseline>(kept)},
            {},
            "",
            {}});
  print(Row{"of the baseline: hold of the lock in that purge",
            Unit::microseconds,
            {purge<Baseline>(kept, lapsing).hold_p99},
            {},
            "",
            {}});
}

}  // namespace

int main(int argc, char** argv) {
  return run_with_options(argc, argv, run);
}
