// SPDX-License-Identifier: MIT
// The Redis store beside a client written by hand, each under a prefix of its own in the same
// server, which the environment variable NEXUS_IDEMPOTENCY_REDIS tells how to reach. durable.sh
// says how it is run.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "benchmarks/durable/by_hand.hpp"
#include "benchmarks/durable/by_hand_operations.hpp"
#include "benchmarks/durable/comparisons.hpp"
#include "benchmarks/durable/operations.hpp"
#include "benchmarks/durable/redis_by_hand.hpp"
#include "benchmarks/durable/slices.hpp"
#include "benchmarks/support/options.hpp"
#include "benchmarks/support/requests.hpp"
#include "benchmarks/support/suite.hpp"
#include "benchmarks/support/table.hpp"
#include "nexus/idempotency/redis/redis_store.hpp"

namespace {

using namespace nexus::idempotency;
using namespace nexus::idempotency::benchmarks;

RedisStoreOptions options_for(const std::string& socket, const char* prefix) {
  RedisStoreOptions options;
  options.unix_socket = socket;
  options.prefix = prefix;
  return options;
}

struct Subjects {
  Subjects(const std::string& socket, const Requests& filled, const Requests& left)
      : completed(filled),
        lapsed(left),
        ours(options_for(socket, "store-a:")),
        by_hand(socket, "by-hand:") {}

  const Requests& completed;
  const Requests& lapsed;
  RedisIdempotencyStore ours;
  RedisByHand by_hand;

  // Effects: what is written is synced before its answer, or not at all.
  void sync(bool always) {
    by_hand.run(0, {"CONFIG", "SET", "appendfsync", always ? "always" : "no"});
  }
  double memory_used() {
    const RedisAnswer answer = by_hand.run(0, {"INFO", "memory"});
    const std::string_view line = "used_memory:";
    const std::string all(answer->str, answer->len);
    return std::stod(all.substr(all.find(line) + line.size()));
  }
};

// Effects: adds them; each slice begins with the setting for it.
void add_redis_turns(Suite& suite, const std::string& name, const Turns& turns, Subjects& subjects,
                     bool synced, std::vector<Side> sides) {
  for (Side& side : sides) side.prepare = [&subjects, synced] { subjects.sync(synced); };
  add_turns(suite, name, turns, std::move(sides));
}

void add_first_executions(Suite& suite, Turns turns, Subjects& subjects, std::size_t threads,
                          bool synced) {
  const std::string name =
      (synced ? "redis_first_" : "redis_first_unsynced_") + std::to_string(threads);
  const std::string what =
      with_threads(synced ? "first execution" : "first execution, appendfsync no", threads);
  const std::size_t seed = (synced ? 10 : 110) + threads;
  add_redis_turns(suite, name, turns, subjects, synced,
                  {{"ours", first_executions(subjects.ours, seed), threads},
                   {"by_hand", first_executions_by_hand(subjects.by_hand, seed), threads},
                   {"service", first_executions_by_service(subjects.ours, seed + 10), threads}});
  compare_with_hand(suite, what, name);
  show_service(suite, what, name);
}

void add_replays(Suite& suite, Turns turns, Subjects& subjects, std::size_t threads) {
  const std::string name = "redis_replay_" + std::to_string(threads);
  const std::string what = with_threads("replay over 10⁵ records", threads);
  const auto get = [&client = subjects.by_hand](std::size_t thread, const RawClaim& claim) {
    return client.find(thread, claim);
  };
  const auto ping = [&client = subjects.by_hand](std::size_t thread) -> std::size_t {
    client.round_trip(thread);
    return 1;
  };
  add_redis_turns(suite, name, turns, subjects, true,
                  {{"ours", replays(subjects.ours, subjects.completed), threads},
                   {"by_hand", replays_by_hand(subjects.by_hand, subjects.completed), threads},
                   {"service", replays_by_service(subjects.ours, subjects.completed), threads},
                   {"get", replays_by(get, subjects.completed), threads},
                   {"ping", {ping}, threads}});
  compare_with_hand(suite, what, name);
  show_service(suite, what, name);
  suite.compare(
      {what + ": mean", {name, "ours_mean"}, {name, "get_mean"}, "GET", {}, Unit::microseconds});
  suite.compare({what + ": mean",
                 {name, "ours_mean"},
                 {name, "ping_mean"},
                 "PING",
                 Bar::at_most(1.6),
                 Unit::microseconds});
}

void add_takeovers(Suite& suite, Turns turns, Subjects& subjects, std::size_t threads) {
  const std::string name = "redis_takeover_" + std::to_string(threads);
  add_redis_turns(
      suite, name, turns, subjects, true,
      {{"ours", takeovers(subjects.ours, subjects.lapsed, 40 + threads), threads},
       {"by_hand", takeovers_by_hand(subjects.by_hand, subjects.lapsed, 40 + threads), threads}});
  compare_with_hand(suite, with_threads("takeover", threads), name);
}

void run(const Options& options) {
  const char* const socket = std::getenv("NEXUS_IDEMPOTENCY_REDIS");
  if (socket == nullptr) throw std::runtime_error("NEXUS_IDEMPOTENCY_REDIS is not set");
  const Requests completed = make_requests(options.smoke ? 2'000 : 100'000, 0x21);
  const Requests lapsed = make_requests(options.smoke ? 64 : 4'096, 0x22);
  Subjects subjects(socket, completed, lapsed);
  subjects.sync(false);
  RedisIdempotencyStore beside(options_for(socket, "by-hand:"));
  const double before = subjects.memory_used();
  fill(subjects.ours, completed, 2);
  const double used = (subjects.memory_used() - before) / static_cast<double>(completed.size());
  fill(beside, completed, 2);
  fill_lapsed(subjects.ours, lapsed);
  fill_lapsed(beside, lapsed);

  const auto turns = [&options](int milliseconds) {
    if (options.smoke) return Turns{std::chrono::milliseconds(5), 2};
    return Turns{std::chrono::milliseconds(milliseconds), 4};
  };
  Suite suite{Sizes{}};
  for (const bool synced : {true, false}) {
    for (const std::size_t threads : {1U, 2U, 8U}) {
      add_first_executions(suite, turns(synced ? 150 : 75), subjects, threads, synced);
    }
  }
  for (const std::size_t threads : {1U, 2U, 8U}) {
    add_replays(suite, turns(75), subjects, threads);
  }
  for (const std::size_t threads : {1U, 2U, 8U}) {
    add_takeovers(suite, turns(150), subjects, threads);
  }
  for (int round = 0; round < options.rounds; ++round) {
    std::fprintf(stderr, "redis: round %d of %d\n", round + 1, options.rounds);
    suite.run_round(round % 2 == 1);
  }
  print_header();
  suite.print_rows();
  print(Row{"memory of the server's, a completed record", Unit::bytes, {used}, {}, "", {}});
}

}  // namespace

int main(int argc, char** argv) {
  return run_with_options(argc, argv, run);
}
