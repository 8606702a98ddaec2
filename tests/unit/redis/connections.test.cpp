// SPDX-License-Identifier: MIT
// Connections of the store's own: how they are shared, lost and replaced, and that no wait lasts
// forever.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/redis/redis_store.hpp"
#include "nexus/idempotency/service.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"
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
using test::redis_options;
using test::RedisCli;
using test::RedisProcess;

template <class Work>
auto in_background(Work work) {
  return std::async(std::launch::async, work);
}

// Returns: how many clients the server has, without the one that asks.
int clients(RedisCli& cli) {
  const std::string all = cli.run({"INFO", "clients"});
  const std::string line = "connected_clients:";
  return std::stoi(all.substr(all.find(line) + line.size())) - 1;
}

}  // namespace

TEST_CASE("one thread needs one connection, and the destructor closes it") {
  RedisProcess server;
  RedisCli cli(server.socket());
  {
    RedisIdempotencyStore store(server.options());
    for (int i = 0; i < 20; ++i) CHECK_FALSE(store.find(key()));
    CHECK(clients(cli) == 1);
  }
  while (clients(cli) != 0) std::this_thread::sleep_for(1ms);
}

TEST_CASE("calls wait for a connection, and no more are opened than the pool's size") {
  RedisProcess server;
  RedisCli cli(server.socket());
  RedisStoreOptions options = server.options();
  options.pool_size = 2;
  options.pool_timeout = 1min;
  RedisIdempotencyStore store(options);
  std::vector<std::future<bool>> calls;
  for (int i = 0; i < 8; ++i) {
    calls.push_back(in_background([&, i] {
      bool all = true;
      for (int n = 0; n < 20; ++n) {
        const std::string name = "key " + std::to_string(i) + "/" + std::to_string(n);
        all = store.claim_pending(pending(name)).claimed_new() && all;
      }
      return all;
    }));
  }
  for (auto& call : calls) CHECK(call.get());
  CHECK(clients(cli) <= 2);
}

TEST_CASE("a pool whose connections are all in use: exhausted, and free again later") {
  std::atomic<bool> asked{false};
  std::atomic<bool> released{false};
  FakeServer server([&](const auto&) {
    asked = true;
    while (!released) std::this_thread::sleep_for(1ms);
    return std::string(":1\r\n");
  });
  RedisStoreOptions options = server.options();
  options.pool_size = 1;
  options.pool_timeout = 20ms;
  options.command_timeout = 1min;
  RedisIdempotencyStore store(options);
  const auto save = [&] { return store.save_if(guard_of(pending()), completed(pending())); };
  auto blocked = in_background(save);
  while (!asked) std::this_thread::sleep_for(1ms);
  const StoreError error = caught([&] { (void)store.find(key()); });
  released = true;
  CHECK(error.code() == StoreErrc::exhausted);
  CHECK(error.native_code().empty());
  CHECK(blocked.get());
  CHECK(save());
}

TEST_CASE("a server that is not there: unavailable; the same store works once it is") {
  RedisProcess server;
  RedisStoreOptions options = server.options();
  RedisIdempotencyStore store(options);
  options.unix_socket += "-absent";
  RedisIdempotencyStore absent(options);
  options.unix_socket = "";
  options.port = static_cast<std::uint16_t>(test::free_port());
  RedisIdempotencyStore absent_port(options);
  options.host = "no-such-host.invalid";
  RedisIdempotencyStore absent_host(options);
  server.crash();
  for (RedisIdempotencyStore* each : {&store, &absent, &absent_port, &absent_host}) {
    const StoreError error = caught([&] { (void)each->claim_pending(pending()); });
    CHECK(error.code() == StoreErrc::unavailable);
    CHECK(error.native_code().empty());
    CHECK(std::string(error.what()).find("/tmp") == std::string::npos);
    CHECK(std::string(error.what()).find("invalid") == std::string::npos);
    CHECK(caught([&] { (void)each->find(key()); }).code() == StoreErrc::unavailable);
  }
  server.again();
  CHECK(store.claim_pending(pending()).claimed_new());
}

TEST_CASE("a server that doesn't answer a connection: unavailable after connect_timeout") {
  RedisProcess server;
  RedisStoreOptions options = server.options();
  options.connect_timeout = 50ms;
  RedisIdempotencyStore store(options);
  server.pause();
  CHECK(caught([&] { (void)store.claim_pending(pending()); }).code() == StoreErrc::unavailable);
  server.resume();
  // A server that has been heard of since may be slow at first; nothing was claimed.
  CHECK(store.claim_pending(pending()).claimed_new());
}

TEST_CASE("by host and port too") {
  RedisProcess server({}, test::free_port());
  RedisStoreOptions options = server.options();
  options.unix_socket = "";
  options.port = static_cast<std::uint16_t>(server.port());
  options.host = GENERATE("127.0.0.1", "localhost");
  RedisIdempotencyStore store(options);
  CHECK(store.claim_pending(pending()).claimed_new());
  CHECK(store.save_if(guard_of(pending()), completed(pending())));
  CHECK(store.find(key()) == completed(pending()));
}

TEST_CASE("connections that the server closed while they were idle are replaced without an error") {
  RedisProcess server;
  RedisCli cli(server.socket());
  RedisIdempotencyStore store(server.options());
  REQUIRE(store.claim_pending(pending()).claimed_new());
  cli.run({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
  CHECK(store.save_if(guard_of(pending()), completed(pending())));
  cli.run({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
  CHECK(store.find(key()) == completed(pending()));
}

TEST_CASE("a connection that is closed instead of an answer: in doubt; in a read: unavailable") {
  FakeServer server([](const auto&) { return std::string(); });
  RedisIdempotencyStore store(server.options());
  for (int i = 0; i < 2; ++i) {
    const StoreError claimed = caught([&] { (void)store.claim_pending(pending()); });
    CHECK(claimed.code() == StoreErrc::in_doubt);
    CHECK(claimed.native_code().empty());
    CHECK(caught([&] { (void)store.save_if(guard_of(pending()), completed(pending())); }).code() ==
          StoreErrc::in_doubt);
    CHECK(caught([&] { (void)store.find(key()); }).code() == StoreErrc::unavailable);
  }
}

TEST_CASE("a server that turns out to be a replica is left; other errors keep the connection") {
  const auto [answer, expected] = GENERATE(table<std::string, int>({
      {"-READONLY You can't write against a read only replica.\r\n", 2},
      {"-MASTERDOWN Link with MASTER is down\r\n", 2},
      {"-BUSY Redis is busy running a script\r\n", 1},
      {"$-1\r\n", 1},
  }));
  INFO(answer);
  FakeServer server([text = answer](const auto&) { return text; });
  RedisIdempotencyStore store(server.options());
  for (int i = 0; i < 2; ++i) {
    try {
      (void)store.claim_pending(pending());
    } catch (const StoreError&) {
    }
  }
  CHECK(server.connections() == expected);
}

TEST_CASE("an answer that is cut off, or none at all: as if it were lost") {
  const std::string answer = GENERATE("$100\r\nhalf of it", "$5\r\nab", "?what\r\n", "$x\r\n");
  INFO(answer);
  FakeServer server([&](const auto&) { return answer; });
  RedisStoreOptions options = server.options();
  options.command_timeout = 20ms;
  RedisIdempotencyStore store(options);
  CHECK(caught([&] { (void)store.claim_pending(pending()); }).code() == StoreErrc::in_doubt);
  CHECK(caught([&] { (void)store.find(key()); }).code() == StoreErrc::unavailable);
}

TEST_CASE("what comes behind an answer is not taken for that of the next call") {
  FakeServer server([](const FakeServer::Command& command) {
    return std::string(command.front() == "GET" ? "$-1\r\n:1\r\n" : ":0\r\n");
  });
  RedisIdempotencyStore store(server.options());
  CHECK_FALSE(store.find(key()));
  CHECK_FALSE(store.save_if(guard_of(pending()), completed(pending())));
  CHECK(server.connections() == 2);
}

TEST_CASE("an answer that comes too late is not taken for that of the next call") {
  RedisProcess server;
  RedisStoreOptions options = server.options();
  options.command_timeout = 50ms;
  RedisIdempotencyStore store(options);
  REQUIRE(store.claim_pending(pending()).claimed_new());
  // The server must know the script, or it would only ask for it.
  (void)store.save_if(guard_of(pending("absent")), completed(pending("absent")));
  server.pause();
  CHECK(caught([&] { (void)store.save_if(guard_of(pending()), completed(pending())); }).code() ==
        StoreErrc::in_doubt);
  server.resume();
  options.command_timeout = 1min;
  RedisIdempotencyStore patient(options);
  // It was sent, and so it takes effect once the server goes on.
  while (patient.find(key()) != completed(pending())) std::this_thread::sleep_for(1ms);
  CHECK_FALSE(store.find(key("absent")));
  CHECK(store.find(key()) == completed(pending()));
}

TEST_CASE("a service settles a claim whose answer was lost") {
  std::string stored;
  FakeServer server([&](const FakeServer::Command& command) {
    const bool lost = stored.empty();
    if (lost) stored = command.at(2);  // it did take effect
    return lost ? std::string() : "$" + std::to_string(stored.size()) + "\r\n" + stored + "\r\n";
  });
  RedisIdempotencyStore store(server.options());
  testing::ManualClock clock(test::start);
  IdempotencyService service(store, clock);
  const auto decision = service.begin(key(), RequestFingerprint("fingerprint-1"));
  CHECK(std::holds_alternative<FirstExecution>(decision));
}

TEST_CASE("what was acknowledged under appendfsync always outlives crashes of the server") {
  RedisProcess server;
  RedisIdempotencyStore store(server.options());
  std::vector<IdempotencyRecord> records;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 5; ++i) {
      IdempotencyRecord record = pending(std::to_string(round) + "/" + std::to_string(i));
      REQUIRE(store.claim_pending(record).claimed_new());
      if (i % 2 == 0) {
        REQUIRE(store.save_if(guard_of(record), completed(record)));
        record = completed(record);
      }
      records.push_back(record);
    }
    server.crash();
    server.again();
    // By the same store, without an error: its connection is seen to be closed.
    for (const IdempotencyRecord& record : records) REQUIRE(store.find(record.key) == record);
  }
}
