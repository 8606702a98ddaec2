// SPDX-License-Identifier: MIT
// The PostgreSQL store beside a client written by hand, each on a table of its own of the same
// server, which the environment variable NEXUS_IDEMPOTENCY_POSTGRES tells how to reach. durable.sh
// says how it is run.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/durable/by_hand.hpp"
#include "benchmarks/durable/by_hand_operations.hpp"
#include "benchmarks/durable/comparisons.hpp"
#include "benchmarks/durable/operations.hpp"
#include "benchmarks/durable/postgres_by_hand.hpp"
#include "benchmarks/durable/postgres_tables.hpp"
#include "benchmarks/durable/raw_disk.hpp"
#include "benchmarks/durable/slices.hpp"
#include "benchmarks/support/options.hpp"
#include "benchmarks/support/requests.hpp"
#include "benchmarks/support/suite.hpp"
#include "benchmarks/support/table.hpp"
#include "nexus/idempotency/postgres/postgres_store.hpp"

namespace {

using namespace nexus::idempotency;
using namespace nexus::idempotency::benchmarks;

constexpr std::size_t log_page = 8'192;

// What is measured: the store and the client, on tables with the same records.
struct Subjects {
  Subjects(const std::string& conninfo, const PostgresTables& tables, const Requests& filled,
           const Requests& left)
      : completed(filled),
        lapsed(left),
        ours(conninfo, {.table = "ours"}),
        by_hand(conninfo, "by_hand"),
        ours_purging(conninfo, {.table = "ours_purging"}),
        by_hand_purging(conninfo, "by_hand_purging"),
        ours_unsynced(without_waiting(conninfo), {.table = "ours"}),
        by_hand_unsynced(without_waiting(conninfo), "by_hand"),
        raw_log(tables.beside_the_data() / "raw_log", log_page) {}

  const Requests& completed;
  const Requests& lapsed;
  PostgresIdempotencyStore ours;
  PostgresByHand by_hand;
  PostgresIdempotencyStore ours_purging;
  PostgresByHand by_hand_purging;
  PostgresIdempotencyStore ours_unsynced;
  PostgresByHand by_hand_unsynced;
  RawLog raw_log;
};

void add_postgres_turns(Suite& suite, const std::string& name, const Turns& turns,
                        const PostgresTables& tables, std::vector<Side> sides) {
  for (Side& side : sides) {
    side.prepare = [&tables, alone = side.threads == 1, prepare = side.prepare] {
      prepare();
      tables.keep_servers(alone);
    };
  }
  add_turns(suite, name, turns, std::move(sides));
}

void add_first_executions(Suite& suite, Turns turns, const PostgresTables& tables,
                          Subjects& subjects, std::size_t threads) {
  const std::string name = "postgres_first_" + std::to_string(threads);
  const std::string what = with_threads("first execution", threads);
  std::vector<Side> sides{
      {"ours", first_executions(subjects.ours, 10 + threads), threads},
      {"by_hand", first_executions_by_hand(subjects.by_hand, 10 + threads), threads},
      {"service", first_executions_by_service(subjects.ours, 20 + threads), threads}};
  if (threads == 1) sides.push_back({"two_syncs", pairs_of_syncs(subjects.raw_log)});
  add_postgres_turns(suite, name, turns, tables, std::move(sides));
  compare_with_hand(suite, what, name);
  show_service(suite, what, name);
  if (threads == 1) {
    suite.compare({what,
                   {name, "ours"},
                   {name, "two_syncs"},
                   "half the rate of fdatasync",
                   Bar::at_least(0.65)});
  }
}

void add_replays(Suite& suite, Turns turns, const PostgresTables& tables, Subjects& subjects,
                 std::size_t threads) {
  const std::string name = "postgres_replay_" + std::to_string(threads);
  const std::string what = with_threads("replay over 10⁵ records", threads);
  const auto select = [&client = subjects.by_hand](std::size_t thread, const RawClaim& claim) {
    return client.find(thread, claim);
  };
  const auto round_trip = [&client = subjects.by_hand](std::size_t thread) -> std::size_t {
    client.round_trip(thread);
    return 1;
  };
  add_postgres_turns(suite, name, turns, tables,
                     {{"ours", replays(subjects.ours, subjects.completed), threads},
                      {"by_hand", replays_by_hand(subjects.by_hand, subjects.completed), threads},
                      {"service", replays_by_service(subjects.ours, subjects.completed), threads},
                      {"select", replays_by(select, subjects.completed), threads},
                      {"round_trip", {round_trip}, threads}});
  compare_with_hand(suite, what, name);
  show_service(suite, what, name);
  suite.compare({what + ": mean",
                 {name, "ours_mean"},
                 {name, "select_mean"},
                 "SELECT by primary key",
                 Bar::at_most(1.15),
                 Unit::microseconds});
  suite.compare({what, {name, "ours"}, {name, "round_trip"}, "SELECT 1", {}});
}

void add_takeovers(Suite& suite, Turns turns, const PostgresTables& tables, Subjects& subjects,
                   std::size_t threads) {
  const std::string name = "postgres_takeover_" + std::to_string(threads);
  add_postgres_turns(
      suite, name, turns, tables,
      {{"ours", takeovers(subjects.ours, subjects.lapsed, 40 + threads), threads},
       {"by_hand", takeovers_by_hand(subjects.by_hand, subjects.lapsed, 40 + threads), threads}});
  compare_with_hand(suite, with_threads("takeover", threads), name);
}

void add_purges(Suite& suite, Turns turns, const PostgresTables& tables, Subjects& subjects,
                std::size_t threads, std::size_t records) {
  const std::string name = "postgres_purge_" + std::to_string(threads);
  const auto refill = [&tables, records](const char* table) {
    return [&tables, records, table] { tables.refill_lapsed(table, records); };
  };
  add_postgres_turns(
      suite, name, turns, tables,
      {{"ours", purges(subjects.ours_purging), threads, refill("ours_purging")},
       {"by_hand", purges_by_hand(subjects.by_hand_purging), threads, refill("by_hand_purging")}});
  compare_with_hand(suite, with_threads("purged records, 100 a call", threads), name);
}

void add_unsynced(Suite& suite, Turns turns, const PostgresTables& tables, Subjects& subjects) {
  const std::string name = "postgres_unsynced";
  add_postgres_turns(suite, name, turns, tables,
                     {{"ours", first_executions(subjects.ours_unsynced, 1)},
                      {"by_hand", first_executions_by_hand(subjects.by_hand_unsynced, 1)}});
  suite.compare({"first execution, synchronous_commit off, 1 thread",
                 {name, "ours"},
                 {name, "by_hand"},
                 "by hand",
                 {}});
}

// The server's own housekeeping writes a few bytes every fifteen seconds: the least of some tries.
double logged_by_a_replay(PostgresIdempotencyStore& store, const PostgresTables& tables,
                          const Requests& completed) {
  const Operation replay = replays(store, completed);
  double least = 0;
  for (int trial = 0; trial < 5; ++trial) {
    const double before = tables.log_position();
    for (int i = 0; i < 2'000; ++i) (void)replay(0);
    const double logged = (tables.log_position() - before) / 2'000;
    least = trial == 0 ? logged : std::min(least, logged);
  }
  return least;
}

void print_sizes(const FilledSizes& sizes) {
  const auto compared = [](const std::string& what, double executed, double rewritten) {
    print(Row{what, Unit::bytes, {executed}, {rewritten}, "each written once", {}});
  };
  compared("heap, bytes a record, 10⁵ first executions", sizes.executed.heap, sizes.rewritten.heap);
  compared("both indexes, bytes a record", sizes.executed.indexes, sizes.rewritten.indexes);
  print(Row{"of the heap, dead row versions and room, before any vacuum",
            Unit::bytes,
            {sizes.executed.heap - sizes.rewritten.heap},
            {},
            "",
            {}});
  print(Row{"dead row versions a record, as the server counts them",
            Unit::count,
            {sizes.dead_versions},
            {},
            "",
            {}});
}

void run(const Options& options) {
  const char* const conninfo = std::getenv("NEXUS_IDEMPOTENCY_POSTGRES");
  if (conninfo == nullptr) throw std::runtime_error("NEXUS_IDEMPOTENCY_POSTGRES is not set");
  const Requests completed = make_requests(options.smoke ? 2'000 : 100'000, 0x21);
  const Requests lapsed = make_requests(options.smoke ? 64 : 4'096, 0x22);
  PostgresTables tables(conninfo);
  const FilledSizes sizes = tables.fill(completed, lapsed);
  Subjects subjects(conninfo, tables, completed, lapsed);
  const double logged = logged_by_a_replay(subjects.ours, tables, completed);

  const auto turns = [&options](int milliseconds) {
    if (options.smoke) return Turns{std::chrono::milliseconds(5), 2};
    return Turns{std::chrono::milliseconds(milliseconds), 4};
  };
  Suite suite{Sizes{}};
  for (const std::size_t threads : {1U, 2U, 8U}) {
    add_first_executions(suite, turns(150), tables, subjects, threads);
  }
  for (const std::size_t threads : {1U, 2U, 8U}) {
    add_replays(suite, turns(75), tables, subjects, threads);
  }
  for (const std::size_t threads : {1U, 2U, 8U}) {
    add_takeovers(suite, turns(150), tables, subjects, threads);
  }
  for (const std::size_t threads : {1U, 2U, 8U}) {
    add_purges(suite, turns(100), tables, subjects, threads, options.smoke ? 1'000 : 10'000);
  }
  add_unsynced(suite, turns(100), tables, subjects);
  for (int round = 0; round < options.rounds; ++round) {
    std::fprintf(stderr, "postgres: round %d of %d\n", round + 1, options.rounds);
    suite.run_round(round % 2 == 1);
  }
  print_header();
  suite.print_rows();
  print(Row{"bytes of log, a replay", Unit::bytes, {logged}, {}, "", Bar::ours_at_most(0)});
  print_sizes(sizes);
}

}  // namespace

int main(int argc, char** argv) {
  return run_with_options(argc, argv, run);
}
