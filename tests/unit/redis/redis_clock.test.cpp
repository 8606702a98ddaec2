// SPDX-License-Identifier: MIT
#include "nexus/idempotency/redis/redis_clock.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/redis/redis_store.hpp"
#include "support/catch.hpp"
#include "support/redis_process.hpp"
#include "support/redis_server.hpp"
#include "support/sample_records.hpp"
#include "unit/redis/fake_server.hpp"

namespace {

using namespace nexus::idempotency;
using namespace std::chrono_literals;
using test::caught;
using test::FakeServer;
using test::redis_options;
using test::RedisCli;
using test::RedisProcess;

// Every call asks.
ServerClockOptions asking() {
  ServerClockOptions options;
  options.sample_interval = 1us;
  return options;
}

// Every call asks, and no sample is used later.
ServerClockOptions forgetting() {
  ServerClockOptions options = asking();
  options.max_age = 1us;
  return options;
}

// What the server shows.
Timestamp time_of(RedisCli& cli) {
  const std::string answer = cli.run({"TIME"});
  const std::size_t blank = answer.find(' ');
  return Timestamp(std::chrono::seconds(std::stoll(answer.substr(0, blank))) +
                   std::chrono::microseconds(std::stoll(answer.substr(blank + 1))));
}

// Returns: how often the server has been asked for its time.
int times_asked(RedisCli& cli) {
  const std::string all = cli.run({"INFO", "commandstats"});
  const std::string line = "cmdstat_time:calls=";
  const std::size_t at = all.find(line);
  return at == std::string::npos ? 0 : std::stoi(all.substr(at + line.size()));
}

}  // namespace

TEST_CASE("it shows the server's time") {
  RedisClock clock(redis_options(), asking());
  RedisCli cli;
  for (int i = 0; i < 20; ++i) {
    const Timestamp before = time_of(cli);
    const Timestamp told = clock.now();
    const Timestamp after = time_of(cli);
    // Off by at most half of the longest round trip, before or after.
    CHECK(told >= before - 100ms);
    CHECK(told <= after + 100ms);
  }
}

TEST_CASE("the server's time counts, not this host's, and to the microsecond") {
  FakeServer server(
      [](const auto&) { return std::string("*2\r\n$10\r\n1000000000\r\n$6\r\n999997\r\n"); });
  RedisClock clock(server.options(), asking());
  const Timestamp shown(1'000'000'000s + 999'997us);
  const auto before = std::chrono::steady_clock::now();
  const Timestamp told = clock.now();
  const auto passed = std::chrono::steady_clock::now() - before;
  CHECK(told >= shown);
  CHECK(told <= shown + std::chrono::ceil<Duration>(passed));
}

TEST_CASE("most calls cost no round trip") {
  RedisCli cli;
  cli.run({"CONFIG", "RESETSTAT"});
  RedisClock clock(redis_options());
  Timestamp last = clock.now();
  for (int i = 0; i < 1000; ++i) {
    const Timestamp next = clock.now();
    CHECK(next >= last);
    last = next;
  }
  CHECK(times_asked(cli) == 1);
  // Those that ask do so once, by the same connection.
  RedisClock often(redis_options(), asking());
  for (int i = 0; i < 10; ++i) (void)often.now();
  CHECK(times_asked(cli) == 11);
}

TEST_CASE("a connection that was ended is replaced by the next question") {
  RedisProcess server;
  RedisClock clock(server.options(), forgetting());
  (void)clock.now();
  RedisCli(server.socket()).run({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
  CHECK_NOTHROW(clock.now());
  server.crash();
  server.again();
  CHECK_NOTHROW(clock.now());
}

TEST_CASE("a server that is down: the last sample, until it is too old; then unavailable") {
  RedisProcess server;
  RedisStoreOptions options = server.options();
  options.user = "default";
  options.password = "secret";
  RedisCli(server.socket()).run({"ACL", "SETUSER", "default", ">secret"});
  RedisClock patient(options, asking());
  RedisClock impatient(options, forgetting());
  const Timestamp before = patient.now();
  (void)impatient.now();
  server.crash();
  CHECK(patient.now() > before);
  for (int i = 0; i < 2; ++i) {
    const StoreError error = caught([&] { (void)impatient.now(); });
    CHECK(error.code() == StoreErrc::unavailable);
    CHECK(std::string(error.what()).find("secret") == std::string::npos);
    CHECK(std::string(error.what()).find("/tmp") == std::string::npos);
  }
  RedisClock late(options);
  CHECK(caught([&] { (void)late.now(); }).code() == StoreErrc::unavailable);
}

TEST_CASE("a server that does not answer: unavailable after the timeouts, and again later") {
  RedisProcess server;
  RedisStoreOptions options = server.options();
  options.connect_timeout = 1h;
  options.command_timeout = 50ms;
  RedisClock connected(options, forgetting());
  (void)connected.now();
  options.connect_timeout = 50ms;
  options.command_timeout = 1h;
  RedisClock fresh(options, forgetting());
  server.pause();
  CHECK(caught([&] { (void)connected.now(); }).code() == StoreErrc::unavailable);
  CHECK(caught([&] { (void)fresh.now(); }).code() == StoreErrc::unavailable);
  server.resume();
  CHECK_NOTHROW(connected.now());
  CHECK_NOTHROW(fresh.now());
}

TEST_CASE("an answer that comes too late is not taken for the next one") {
  int asked = 0;
  FakeServer server([&](const auto&) {
    // The rest of the first answer is awaited in vain.
    if (++asked == 2) return std::string("*2\r\n$10\r\n1000000000\r\n");
    return std::string("*2\r\n$10\r\n1000000000\r\n$1\r\n0\r\n");
  });
  RedisStoreOptions options = server.options();
  options.command_timeout = 20ms;
  RedisClock clock(options, forgetting());
  (void)clock.now();
  CHECK(caught([&] { (void)clock.now(); }).code() == StoreErrc::unavailable);
  CHECK(server.connections() == 1);
  const Timestamp told = clock.now();
  CHECK(told >= Timestamp(1'000'000'000s));
  CHECK(told < Timestamp(1'000'000'000s) + 1min);
  CHECK(server.connections() == 2);
}

TEST_CASE("a user, a password and the permission for TIME are all it takes") {
  RedisProcess server({"--maxmemory-policy", "allkeys-lru"});
  RedisCli cli(server.socket());
  cli.run({"ACL", "SETUSER", "watch", "on", ">watch-secret", "-@all", "+time"});
  RedisStoreOptions options = server.options();
  options.user = "watch";
  options.password = "watch-secret";
  options.database = 3;  // not used
  CHECK_NOTHROW(RedisClock(options).now());

  options.password = "wrong-secret";
  const StoreError wrong = caught([&] { (void)RedisClock(options).now(); });
  CHECK(wrong.code() == StoreErrc::misconfigured);
  CHECK(wrong.native_code() == "WRONGPASS");
  CHECK(std::string(wrong.what()).find("secret") == std::string::npos);

  cli.run({"ACL", "SETUSER", "watch", "-time"});
  options.password = "watch-secret";
  const StoreError denied = caught([&] { (void)RedisClock(options).now(); });
  CHECK(denied.code() == StoreErrc::misconfigured);
  CHECK(denied.native_code() == "NOPERM");
}

TEST_CASE("a permission that is taken away later: misconfigured, and well again") {
  RedisProcess server;
  RedisCli cli(server.socket());
  cli.run({"ACL", "SETUSER", "watch", "on", ">secret", "-@all", "+time"});
  RedisStoreOptions options = server.options();
  options.user = "watch";
  options.password = "secret";
  RedisClock clock(options, forgetting());
  (void)clock.now();
  cli.run({"ACL", "SETUSER", "watch", "-time"});
  const StoreError denied = caught([&] { (void)clock.now(); });
  CHECK(denied.code() == StoreErrc::misconfigured);
  CHECK(denied.native_code() == "NOPERM");
  cli.run({"ACL", "SETUSER", "watch", "+time"});
  CHECK_NOTHROW(clock.now());
}

TEST_CASE("a cluster's node and a replica tell their time, whatever becomes of the others") {
  RedisProcess node({"--cluster-enabled", "yes"}, test::free_port());
  RedisStoreOptions options;
  options.port = static_cast<std::uint16_t>(node.port());
  options.cluster = true;
  CHECK_NOTHROW(RedisClock(options).now());

  RedisProcess replica({"--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "no"});
  CHECK_NOTHROW(RedisClock(replica.options()).now());
}

TEST_CASE("an answer that is no time: misconfigured") {
  const std::string answer = GENERATE(
      "+OK\r\n", "$1\r\n1\r\n", "*0\r\n", "*1\r\n$1\r\n1\r\n", "*2\r\n$1\r\n1\r\n$7\r\n1000000\r\n",
      "*2\r\n$1\r\n1\r\n$2\r\n-1\r\n", "*2\r\n$0\r\n\r\n$1\r\n1\r\n",
      "*2\r\n$2\r\n1x\r\n$1\r\n1\r\n", "*2\r\n:1\r\n:1\r\n",
      "*2\r\n$13\r\n9223372036854\r\n$1\r\n1\r\n", "*3\r\n$1\r\n1\r\n$1\r\n1\r\n$1\r\n1\r\n");
  INFO(answer);
  FakeServer server([&](const auto&) { return answer; });
  RedisClock clock(server.options());
  CHECK(caught([&] { (void)clock.now(); }).code() == StoreErrc::misconfigured);
}

TEST_CASE("what can't be meant is refused; what a clock does not use is not looked at") {
  const std::vector<std::function<void(RedisStoreOptions&)>> changes{
      [](auto& o) { o.connect_timeout = 0us; },
      [](auto& o) { o.command_timeout = -1us; },
      [](auto& o) { o.user = "somebody"; },
      [](auto& o) { o.host = ""; },
      [](auto& o) { o.port = 0; },
      [](auto& o) { o.host = std::string("a\0b", 3); },
      [](auto& o) { o.unix_socket = std::string("a\0b", 3); }};
  for (const auto& change : changes) {
    RedisStoreOptions options;
    CHECK_NOTHROW(RedisClock(options));
    change(options);
    CHECK_THROWS_AS(RedisClock(options), InvalidValueError);
  }
  ServerClockOptions options;
  options.max_age = 1s;
  CHECK_THROWS_AS(RedisClock(RedisStoreOptions{}, options), InvalidValueError);
  RedisStoreOptions unused;
  unused.pool_size = 0;
  unused.database = -1;
  CHECK_NOTHROW(RedisClock(unused));
}
