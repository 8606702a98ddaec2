// SPDX-License-Identifier: MIT
// Every line of the table of errors in redis_store.hpp, provoked in a real server where one can be
// brought to it.
#include <chrono>
#include <filesystem>
#include <future>
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
using test::place;
using test::redis_options;
using test::RedisCli;
using test::RedisProcess;

void check_error(const StoreError& error, StoreErrc code, const std::string& native_code) {
  CHECK(error.code() == code);
  CHECK(error.native_code() == native_code);
  const std::string what = error.what();
  for (const char* secret : {"secret", "token-1", "key-1", "fingerprint-1", "tenant-1", "/tmp"}) {
    CHECK(what.find(secret) == std::string::npos);
  }
}

// Whatever writes or claims fails as said; what finds a record works.
void check_no_writes(RedisIdempotencyStore& store, StoreErrc code, const std::string& native_code) {
  check_error(caught([&] { (void)store.claim_pending(pending("new")); }), code, native_code);
  check_error(caught([&] { (void)store.save_if(guard_of(pending()), completed(pending())); }), code,
              native_code);
  CHECK(store.find(key()) == pending());
  CHECK(store.claim_pending(pending("key-1", "token-2")).existing == pending());
  CHECK_FALSE(store.find(key("new")));
}

void check_all(RedisIdempotencyStore& store, StoreErrc code, const std::string& native_code) {
  check_error(caught([&] { (void)store.find(key()); }), code, native_code);
  check_error(caught([&] { (void)store.claim_pending(pending()); }), code, native_code);
  check_error(caught([&] { (void)store.save_if(guard_of(pending()), completed(pending())); }), code,
              native_code);
}

// Effects: sets it for as long as this object lives.
class Setting {
 public:
  Setting(RedisCli& cli, const std::string& name, const std::string& value)
      : cli_(cli), name_(name) {
    const std::string before = cli.run({"CONFIG", "GET", name});
    before_ = before.substr(name.size() + 1, before.size() - name.size() - 2);
    REQUIRE(cli.run({"CONFIG", "SET", name, value}) == "OK");
  }
  ~Setting() { cli_.run({"CONFIG", "SET", name_, before_}); }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

 private:
  RedisCli& cli_;
  std::string name_;
  std::string before_;
};

}  // namespace

TEST_CASE("memory is full: exhausted; replays go on") {
  RedisCli cli;
  RedisIdempotencyStore store(redis_options());
  REQUIRE(store.claim_pending(pending()).claimed_new());
  {
    const Setting full(cli, "maxmemory", "1");
    check_no_writes(store, StoreErrc::exhausted, "OOM");
  }
  CHECK(store.save_if(guard_of(pending()), completed(pending())));
}

TEST_CASE("too few replicas, by the server's own setting: unavailable; replays go on") {
  RedisCli cli;
  RedisIdempotencyStore store(redis_options());
  REQUIRE(store.claim_pending(pending()).claimed_new());
  const Setting more(cli, "min-replicas-to-write", "1");
  check_no_writes(store, StoreErrc::unavailable, "NOREPLICAS");
}

TEST_CASE("the server can't save: unavailable; replays go on") {
  RedisProcess server({"--save", "3600 1"});
  RedisCli cli(server.socket());
  RedisIdempotencyStore store(server.options());
  REQUIRE(store.claim_pending(pending()).claimed_new());
  // A directory is where the file should be.
  const auto file = std::filesystem::path(server.socket()).parent_path() / "dump.rdb";
  std::filesystem::create_directories(file / "full");
  cli.run({"BGSAVE"});
  while (cli.run({"INFO", "persistence"}).find("rdb_last_bgsave_status:err") == std::string::npos) {
    std::this_thread::sleep_for(2ms);
  }
  check_no_writes(store, StoreErrc::unavailable, "MISCONF");
}

TEST_CASE("too many connections: exhausted") {
  RedisProcess server({"--maxclients", "1"});
  RedisCli the_one(server.socket());
  RedisIdempotencyStore store(server.options());
  check_all(store, StoreErrc::exhausted, "ERR");
}

TEST_CASE("somebody's script takes too long: unavailable") {
  RedisProcess server({"--busy-reply-threshold", "1"});
  RedisIdempotencyStore store(server.options());
  REQUIRE(store.claim_pending(pending()).claimed_new());
  auto script = std::async(std::launch::async, [&] {
    return RedisCli(server.socket()).run({"EVAL", "while true do end", "0"});
  });
  RedisCli cli(server.socket());
  while (cli.run({"PING"}).substr(0, 5) != "!BUSY") std::this_thread::sleep_for(1ms);
  check_all(store, StoreErrc::unavailable, "BUSY");
  cli.run({"SCRIPT", "KILL"});
  CHECK(script.get().front() == '!');
  CHECK(store.claim_pending(pending()).existing == pending());
}

TEST_CASE("a replica: reads, and takes neither writes nor claims") {
  RedisProcess primary({}, test::free_port());
  RedisProcess replica({"--replicaof", "127.0.0.1 " + std::to_string(primary.port())});
  RedisStoreOptions options = primary.options();
  RedisIdempotencyStore store(options);
  REQUIRE(store.claim_pending(pending()).claimed_new());
  options.unix_socket = replica.socket();
  RedisIdempotencyStore on_replica(options);
  while (!on_replica.find(key())) std::this_thread::sleep_for(2ms);
  CHECK(on_replica.find(key()) == pending());
  // Also where there is a record: a replica's answer may be old.
  check_error(caught([&] { (void)on_replica.claim_pending(pending()); }), StoreErrc::unavailable,
              "READONLY");
  check_error(caught([&] { (void)on_replica.claim_pending(pending("new")); }),
              StoreErrc::unavailable, "READONLY");
  check_error(caught([&] { (void)on_replica.save_if(guard_of(pending()), completed(pending())); }),
              StoreErrc::unavailable, "READONLY");

  primary.crash();
  RedisCli cli(replica.socket());
  while (cli.run({"INFO", "replication"}).find("master_link_status:down") == std::string::npos) {
    std::this_thread::sleep_for(2ms);
  }
  cli.run({"CONFIG", "SET", "replica-serve-stale-data", "no"});
  check_error(caught([&] { (void)on_replica.find(key()); }), StoreErrc::unavailable, "MASTERDOWN");
  cli.run({"REPLICAOF", "NO", "ONE"});  // promoted
  CHECK(on_replica.save_if(guard_of(pending()), completed(pending())));
}

TEST_CASE("something else is where the record should be: corrupt") {
  const RedisStoreOptions options = redis_options();
  RedisIdempotencyStore store(options);
  RedisCli cli;
  cli.run({"LPUSH", place(options.prefix), "secret"});
  check_all(store, StoreErrc::corrupt, "WRONGTYPE");
}

TEST_CASE("a string that can't be a record: corrupt, and of another version: misconfigured") {
  const RedisStoreOptions options = redis_options();
  RedisIdempotencyStore store(options);
  RedisCli cli;
  const std::string where = place(options.prefix);
  const std::string bad = GENERATE("1", "secret", "10 7:token-1 13:fingerprint-1 secret 7 1 1 none",
                                   "10 7:token-1 13:fingerprint-1 1 7 1 1 none ", "");
  INFO(bad);
  cli.run({"SET", where, bad});
  const bool is_ours = bad.empty() || bad.front() == '1';
  const StoreErrc code = is_ours ? StoreErrc::corrupt : StoreErrc::misconfigured;
  CHECK(caught([&] { (void)store.find(key()); }).code() == code);
  CHECK(caught([&] { (void)store.claim_pending(pending()); }).code() == code);
  CHECK(cli.run({"GET", where}) == bad);
}

TEST_CASE("a record without a deadline that can be judged: corrupt, and nothing is written") {
  const RedisStoreOptions options = redis_options();
  RedisIdempotencyStore store(options);
  RedisCli cli;
  for (const std::string deadline : {"secret", "", "1x", "--1"}) {
    const std::string bad = "10 7:token-1 13:fingerprint-1 " + deadline + " 7 1 1 none";
    cli.run({"SET", place(options.prefix), bad});
    check_error(caught([&] { (void)store.save_if(guard_of(pending()), completed(pending())); }),
                StoreErrc::corrupt, "CORRUPT");
    CHECK(cli.run({"GET", place(options.prefix)}) == bad);
  }
}

TEST_CASE("passwords and permissions") {
  RedisProcess server({"--requirepass", "right-secret"});
  RedisCli cli(server.socket());
  cli.run({"AUTH", "right-secret"});
  cli.run({"ACL", "SETUSER", "service", "on", ">service-secret", "~p*", "-@all", "+get", "+set",
           "+evalsha", "+eval", "+getrange", "+info"});
  RedisStoreOptions options = server.options();
  const auto check = [&](const char* user, const char* password, const char* native_code) {
    options.user = user;
    options.password = password;
    RedisIdempotencyStore store(options);
    check_all(store, StoreErrc::misconfigured, native_code);
  };
  check("", "", "NOAUTH");
  check("", "wrong-secret", "WRONGPASS");
  check("nobody", "right-secret", "WRONGPASS");

  options.password = "right-secret";
  options.user = "";
  CHECK_FALSE(RedisIdempotencyStore(options).find(key()));
  options.user = "default";
  CHECK_FALSE(RedisIdempotencyStore(options).find(key()));
  // What the header and the record of the design say that a user needs is enough.
  options.user = "service";
  options.password = "service-secret";
  RedisIdempotencyStore store(options);
  CHECK(store.claim_pending(pending()).claimed_new());
  CHECK(store.save_if(guard_of(pending()), completed(pending())));
  CHECK(store.find(key()) == completed(pending()));
  options.prefix = "other:";
  RedisIdempotencyStore elsewhere(options);
  check_all(elsewhere, StoreErrc::misconfigured, "NOPERM");

  // The policy can't be looked at: told, unless it isn't asked for.
  cli.run({"ACL", "SETUSER", "service", "-info"});
  options.prefix = "p:";
  RedisIdempotencyStore unchecked_not(options);
  check_all(unchecked_not, StoreErrc::misconfigured, "NOPERM");
  cli.run({"ACL", "SETUSER", "service", "+ping"});
  options.require_noeviction = false;
  CHECK(RedisIdempotencyStore(options).claim_pending(pending()).claimed_new());
}

TEST_CASE("a password where the server has none: misconfigured") {
  RedisStoreOptions options = redis_options();
  options.password = "secret";
  RedisIdempotencyStore store(options);
  check_all(store, StoreErrc::misconfigured, "ERR");
}

TEST_CASE("a database that is not there: misconfigured") {
  RedisStoreOptions options = redis_options();
  options.database = 1'000'000;
  RedisIdempotencyStore store(options);
  check_all(store, StoreErrc::misconfigured, "ERR");
}

TEST_CASE("a server that may evict keys: misconfigured, whether memory is limited or not") {
  RedisCli cli;
  for (const char* policy : {"allkeys-lru", "volatile-ttl", "volatile-lru", "allkeys-random"}) {
    const Setting evicting(cli, "maxmemory-policy", policy);
    RedisStoreOptions options = redis_options();
    RedisIdempotencyStore store(options);
    check_all(store, StoreErrc::misconfigured, "");
    options.require_noeviction = false;
    CHECK(RedisIdempotencyStore(options).claim_pending(pending()).claimed_new());
  }
  RedisIdempotencyStore store(redis_options());
  CHECK(store.claim_pending(pending()).claimed_new());
}

TEST_CASE("a node of a cluster that has no slots yet: unavailable") {
  RedisProcess node({"--cluster-enabled", "yes"});
  RedisIdempotencyStore store(node.options());
  check_all(store, StoreErrc::unavailable, "CLUSTERDOWN");
}

TEST_CASE("a server that is no cluster's node, taken for one: misconfigured") {
  RedisProcess server({}, test::free_port());
  RedisStoreOptions options;
  options.port = static_cast<std::uint16_t>(server.port());
  options.cluster = true;
  RedisIdempotencyStore store(options);
  check_all(store, StoreErrc::misconfigured, "ERR");
}

TEST_CASE("errors that a server can't be brought to") {
  const auto [message, code] = GENERATE(table<std::string, StoreErrc>({
      {"LOADING Redis is loading the dataset in memory", StoreErrc::unavailable},
      {"TRYAGAIN Multiple keys request during rehashing of slot", StoreErrc::contended},
      {"DENIED Redis is running in protected mode", StoreErrc::misconfigured},
      {"MOVED 3999 127.0.0.1:6381", StoreErrc::misconfigured},
      {"ASK 3999 127.0.0.1:6381", StoreErrc::misconfigured},
      {"ERR unknown command 'EVALSHA', with args beginning with: 'secret'",
       StoreErrc::misconfigured},
      {"SOMETHINGNEW secret", StoreErrc::misconfigured},
  }));
  INFO(message);
  FakeServer server([text = message](const auto&) { return "-" + text + "\r\n"; });
  RedisIdempotencyStore store(server.options());
  check_all(store, code, message.substr(0, message.find(' ')));
}

TEST_CASE("an error without a code, and answers of another kind: misconfigured") {
  const std::string answer =
      GENERATE("-something went wrong with secret\r\n", "+OK\r\n", ":1\r\n", "*0\r\n");
  INFO(answer);
  FakeServer server([&](const auto&) { return answer; });
  RedisIdempotencyStore store(server.options());
  check_error(caught([&] { (void)store.find(key()); }), StoreErrc::misconfigured, "");
  if (answer.front() != ':') {
    check_error(caught([&] { (void)store.save_if(guard_of(pending()), completed(pending())); }),
                StoreErrc::misconfigured, "");
  }
}
