// SPDX-License-Identifier: MIT
// The SQLite store beside a client written by hand, each on a file of its own in the current
// directory. durable.sh says how it is run.

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/durable/by_hand.hpp"
#include "benchmarks/durable/by_hand_operations.hpp"
#include "benchmarks/durable/comparisons.hpp"
#include "benchmarks/durable/counted_syncs.hpp"
#include "benchmarks/durable/operations.hpp"
#include "benchmarks/durable/raw_disk.hpp"
#include "benchmarks/durable/slices.hpp"
#include "benchmarks/durable/sqlite_by_hand.hpp"
#include "benchmarks/durable/sqlite_files.hpp"
#include "benchmarks/support/options.hpp"
#include "benchmarks/support/requests.hpp"
#include "benchmarks/support/suite.hpp"
#include "benchmarks/support/table.hpp"
#include "nexus/idempotency/sqlite/sqlite_store.hpp"

namespace {

using namespace nexus::idempotency;
using namespace nexus::idempotency::benchmarks;

constexpr std::size_t frame = 4'120;  // a page of 4 KiB and its head, as the log holds it

// What is measured: the store and the client, on files with the same records.
struct Subjects {
  Subjects(const SqliteFiles& files, const Requests& filled, const Requests& left)
      : completed(filled),
        lapsed(left),
        ours(files.file("ours")),
        by_hand(files.file("by_hand"), "FULL"),
        ours_replaying(files.file("ours_replaying")),
        by_hand_replaying(files.file("by_hand_replaying"), "FULL"),
        ours_purging(files.file("ours_purging")),
        by_hand_purging(files.file("by_hand_purging"), "FULL"),
        ours_unsynced(files.file("ours_unsynced"), {.synchronous = SqliteSynchronous::normal}),
        by_hand_unsynced(files.file("by_hand_unsynced"), "NORMAL"),
        raw_log(files.file("raw_log"), frame) {}

  const Requests& completed;
  const Requests& lapsed;
  SqliteIdempotencyStore ours;
  SqliteByHand by_hand;
  // On files that nobody writes to: more is claimed in "ours" than in "by_hand", and what is looked
  // for there lies deeper after a while.
  SqliteIdempotencyStore ours_replaying;
  SqliteByHand by_hand_replaying;
  SqliteIdempotencyStore ours_purging;
  SqliteByHand by_hand_purging;
  SqliteIdempotencyStore ours_unsynced;
  SqliteByHand by_hand_unsynced;
  RawLog raw_log;
};

void add_first_executions(Suite& suite, Turns turns, Subjects& subjects, std::size_t threads) {
  const std::string name = "sqlite_first_" + std::to_string(threads);
  const std::string what = with_threads("first execution", threads);
  std::vector<Side> sides{
      {"ours", first_executions(subjects.ours, 10 + threads), threads},
      {"by_hand", first_executions_by_hand(subjects.by_hand, 10 + threads), threads},
      {"service", first_executions_by_service(subjects.ours, 20 + threads), threads}};
  if (threads == 1) {
    sides.push_back({"two_syncs", pairs_of_syncs(subjects.raw_log)});
  } else {
    sides.push_back({"alone", first_executions(subjects.ours, 30 + threads)});
  }
  add_turns(suite, name, turns, std::move(sides));
  compare_with_hand(suite, what, name);
  show_service(suite, what, name);
  if (threads == 1) {
    suite.compare({what, {name, "ours"}, {name, "two_syncs"}, "half the rate of fdatasync", {}});
  } else {
    suite.compare({what, {name, "ours"}, {name, "alone"}, "1 thread", Bar::at_least(0.8)});
  }
}

void add_replays(Suite& suite, Turns turns, Subjects& subjects, std::size_t threads) {
  const std::string name = "sqlite_replay_" + std::to_string(threads);
  const std::string what = with_threads("replay over 10⁵ records", threads);
  const auto by_insert = [&client = subjects.by_hand_replaying](std::size_t,
                                                                const RawClaim& claim) {
    return client.claim_by_insert(claim);
  };
  add_turns(suite, name, turns,
            {{"ours", replays(subjects.ours_replaying, subjects.completed), threads},
             {"by_hand", replays_by_hand(subjects.by_hand_replaying, subjects.completed), threads},
             {"service", replays_by_service(subjects.ours_replaying, subjects.completed), threads},
             {"insert", replays_by(by_insert, subjects.completed), threads}});
  compare_with_hand(suite, what, name);
  show_service(suite, what, name);
  suite.compare({what, {name, "ours"}, {name, "insert"}, "insert, then select", Bar::at_least(2)});
}

void add_takeovers(Suite& suite, Turns turns, Subjects& subjects, std::size_t threads) {
  const std::string name = "sqlite_takeover_" + std::to_string(threads);
  add_turns(
      suite, name, turns,
      {{"ours", takeovers(subjects.ours, subjects.lapsed, 40 + threads), threads},
       {"by_hand", takeovers_by_hand(subjects.by_hand, subjects.lapsed, 40 + threads), threads}});
  compare_with_hand(suite, with_threads("takeover", threads), name);
}

void add_purges(Suite& suite, Turns turns, const SqliteFiles& files, Subjects& subjects,
                std::size_t threads, std::size_t records) {
  const std::string name = "sqlite_purge_" + std::to_string(threads);
  const auto refill = [&files, records](const char* file) {
    return [&files, records, file] { files.refill_lapsed(file, records); };
  };
  add_turns(
      suite, name, turns,
      {{"ours", purges(subjects.ours_purging), threads, refill("ours_purging")},
       {"by_hand", purges_by_hand(subjects.by_hand_purging), threads, refill("by_hand_purging")}});
  compare_with_hand(suite, with_threads("purged records, 100 a call", threads), name);
}

void add_unsynced(Suite& suite, Turns turns, Subjects& subjects) {
  const std::string name = "sqlite_unsynced";
  add_turns(suite, name, turns,
            {{"ours", first_executions(subjects.ours_unsynced, 1)},
             {"by_hand", first_executions_by_hand(subjects.by_hand_unsynced, 1)}});
  suite.compare({"first execution, synchronous NORMAL, 1 thread",
                 {name, "ours"},
                 {name, "by_hand"},
                 "by hand",
                 {}});
}

// A first execution's own syncs of the log: so few that no checkpoint, which has its own, falls
// among them.
double syncs_per_first_execution(IdempotencyStore& store, SqliteFiles& files) {
  constexpr std::size_t executions = 50;
  files.checkpoint("ours");
  const Operation execute = first_executions(store, 2);
  (void)execute(0);  // the first after a checkpoint syncs the head of the log
  const SyncCount before = sync_count();
  for (std::size_t i = 0; i < executions; ++i) (void)execute(0);
  const SyncCount after = sync_count();
  if (after.database != before.database) throw std::logic_error("there was a checkpoint");
  return static_cast<double>(after.log - before.log) / static_cast<double>(executions);
}

void run(const Options& options) {
  count_syncs();
  const std::size_t records = options.smoke ? 2'000 : 100'000;
  const Requests completed = make_requests(records, 0x21);
  const Requests lapsed = make_requests(options.smoke ? 64 : 4'096, 0x22);
  SqliteFiles files;
  const BytesPerRecord bytes = files.fill(completed, lapsed);

  Subjects subjects(files, completed, lapsed);
  subjects.ours_unsynced.ensure_schema();
  const double syncs = syncs_per_first_execution(subjects.ours, files);

  const auto turns = [&options](int milliseconds, int slices) {
    if (options.smoke) return Turns{std::chrono::milliseconds(5), 2};
    return Turns{std::chrono::milliseconds(milliseconds), slices};
  };
  Suite suite{Sizes{}};
  for (const std::size_t threads : {1U, 2U, 8U}) {
    add_first_executions(suite, turns(150, 4), subjects, threads);
  }
  for (const std::size_t threads : {1U, 2U, 8U}) {
    add_replays(suite, turns(50, 4), subjects, threads);
  }
  for (const std::size_t threads : {1U, 2U, 8U}) {
    add_takeovers(suite, turns(150, 4), subjects, threads);
  }
  for (const std::size_t threads : {1U, 2U, 8U}) {
    add_purges(suite, turns(100, 4), files, subjects, threads, options.smoke ? 1'000 : 20'000);
  }
  add_unsynced(suite, turns(100, 4), subjects);
  for (int round = 0; round < options.rounds; ++round) {
    std::fprintf(stderr, "sqlite: round %d of %d\n", round + 1, options.rounds);
    suite.run_round(round % 2 == 1);
  }
  print_header();
  suite.print_rows();
  print(Row{
      "syncs of the log, a first execution", Unit::count, {syncs}, {}, "", Bar::ours_at_most(2)});
  print(Row{"table, bytes a record, 10⁵ records", Unit::bytes, {bytes.table}, {}, "", {}});
  print(Row{"both indexes, bytes a record", Unit::bytes, {bytes.indexes}, {}, "", {}});
}

}  // namespace

int main(int argc, char** argv) {
  return run_with_options(argc, argv, run);
}
