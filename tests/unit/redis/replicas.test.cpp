// SPDX-License-Identifier: MIT
// What replicas have when the primary is lost: with wait_replicas and without.
#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/redis/redis_store.hpp"
#include "support/catch.hpp"
#include "support/redis_process.hpp"
#include "support/redis_server.hpp"
#include "unit/redis/fake_server.hpp"
#include "unit/redis/samples.hpp"

namespace {

using namespace nexus::idempotency;
using namespace std::chrono_literals;
using test::caught;
using test::completed;
using test::FakeServer;
using test::guard_of;
using test::key;
using test::pending;
using test::RedisCli;
using test::RedisProcess;

// A primary and one replica that follows it.
struct Pair {
  RedisProcess primary{{}, test::free_port()};
  RedisProcess replica{{"--replicaof", "127.0.0.1 " + std::to_string(primary.port())}};

  Pair() { wait_for_replica(); }

  [[nodiscard]] RedisStoreOptions options(int wait_replicas) const {
    RedisStoreOptions options = primary.options();
    options.wait_replicas = wait_replicas;
    return options;
  }
  // Effects: what is written from now on does not reach the replica.
  void part() {
    RedisCli(replica.socket()).run({"REPLICAOF", "127.0.0.1", "1"});  // nobody is there
  }
  // Effects: it follows again, and has caught up.
  void join() {
    RedisCli(replica.socket()).run({"REPLICAOF", "127.0.0.1", std::to_string(primary.port())});
    wait_for_replica();
  }
  void wait_for_replica() {
    RedisCli cli(primary.socket());
    while (cli.run({"WAIT", "1", "1000"}) != "1") {
    }
  }
  void fail_over() {
    primary.crash();
    RedisCli(replica.socket()).run({"REPLICAOF", "NO", "ONE"});
  }
  // Returns: options for a store in what was the replica, over the same records.
  [[nodiscard]] RedisStoreOptions after(RedisStoreOptions options) const {
    options.unix_socket = replica.socket();
    options.wait_replicas = 0;
    return options;
  }
};

// Effects: claims and completes commands on two threads; the replica is cut off in the middle, and
// promoted later. Returns: how many acknowledged completions it does not have.
int lost_in_failover(int wait_replicas) {
  Pair pair;
  RedisStoreOptions options = pair.options(wait_replicas);
  options.wait_timeout = 20ms;
  RedisIdempotencyStore store(options);
  std::atomic<bool> stop{false};
  std::atomic<int> count{0};
  std::mutex mutex;
  std::vector<std::string> acknowledged;
  const auto work = [&](const std::string& worker) {
    for (int i = 0; !stop; ++i) {
      const std::string name = worker + std::to_string(i);
      try {
        if (!store.claim_pending(pending(name)).claimed_new()) continue;
        if (!store.save_if(guard_of(pending(name)), completed(pending(name)))) continue;
      } catch (const StoreError&) {
        ++count;
        continue;  // not acknowledged
      }
      ++count;
      const std::scoped_lock lock(mutex);
      acknowledged.push_back(name);
    }
  };
  std::thread one(work, "a");
  std::thread other(work, "b");
  const auto enough = [&] {
    const std::scoped_lock lock(mutex);
    return acknowledged.size() >= 100;
  };
  while (!enough()) std::this_thread::sleep_for(1ms);
  pair.part();
  for (const int until = count + 20; count < until;) std::this_thread::sleep_for(1ms);
  pair.fail_over();
  stop = true;
  one.join();
  other.join();

  RedisIdempotencyStore promoted(pair.after(options));
  int lost = 0;
  for (const std::string& name : acknowledged) {
    if (promoted.find(key(name)) != completed(pending(name))) ++lost;
  }
  return lost;
}

}  // namespace

TEST_CASE("with wait_replicas nothing that was acknowledged is lost in a failover") {
  CHECK(lost_in_failover(1) == 0);
}

TEST_CASE("without wait_replicas what had not reached the replica is lost in a failover") {
  CHECK(lost_in_failover(0) >= 10);
}

TEST_CASE("fewer replicas than asked for: in doubt, whatever the answer would have been") {
  Pair pair;
  RedisStoreOptions options = pair.options(1);
  options.wait_timeout = 20ms;
  RedisIdempotencyStore store(options);
  RedisIdempotencyStore other(options);
  options.wait_timeout = 10s;
  RedisIdempotencyStore patient(options);
  REQUIRE(patient.claim_pending(pending()).claimed_new());
  pair.part();
  const auto in_doubt = [&](auto&& call) {
    const StoreError error = caught(call);
    CHECK(error.code() == StoreErrc::in_doubt);
    CHECK(error.native_code().empty());
  };
  in_doubt([&] { (void)store.claim_pending(pending("new")); });
  // The script may have to be sent whole: either way it has been executed.
  in_doubt([&] { (void)store.save_if(guard_of(pending()), completed(pending())); });
  // The repeats find what the first calls have written, which no replica has.
  in_doubt([&] { (void)store.claim_pending(pending("new")); });
  in_doubt([&] { (void)store.save_if(guard_of(pending()), completed(pending())); });
  // On another connection, by which nothing was written.
  in_doubt([&] { (void)other.claim_pending(pending("new")); });
  CHECK(store.find(key()) == completed(pending()));  // reading rests on nothing

  pair.join();
  CHECK(patient.claim_pending(pending("new")).existing == pending("new"));
  CHECK_FALSE(patient.save_if(guard_of(pending()), completed(pending())));
}

TEST_CASE("replays wait for replicas too where memory is full") {
  Pair pair;
  RedisStoreOptions options = pair.options(1);
  options.wait_timeout = 10s;
  RedisIdempotencyStore patient(options);
  REQUIRE(patient.claim_pending(pending()).claimed_new());
  RedisCli(pair.primary.socket()).run({"CONFIG", "SET", "maxmemory", "1"});
  CHECK(patient.claim_pending(pending()).existing == pending());
  pair.part();
  options.wait_timeout = 20ms;
  RedisIdempotencyStore store(options);
  CHECK(caught([&] { (void)store.claim_pending(pending()); }).code() == StoreErrc::in_doubt);
}

TEST_CASE("WAIT that the server does not carry out: in doubt, or misconfigured") {
  const auto [answer, code, native_code] = GENERATE(table<std::string, StoreErrc, std::string>({
      {"-UNBLOCKED force unblock from blocking operation", StoreErrc::in_doubt, "UNBLOCKED"},
      {"-NOPERM this user has no permissions", StoreErrc::misconfigured, "NOPERM"},
      {":0", StoreErrc::in_doubt, ""},
      {"+OK", StoreErrc::in_doubt, ""},
  }));
  INFO(answer);
  FakeServer server([text = answer](const FakeServer::Command& command) {
    return command.front() == "WAIT" ? text + "\r\n" : std::string("$-1\r\n");
  });
  RedisStoreOptions options = server.options();
  options.wait_replicas = 1;
  RedisIdempotencyStore store(options);
  const StoreError error = caught([&] { (void)store.claim_pending(pending()); });
  CHECK(error.code() == code);
  CHECK(error.native_code() == native_code);
}
