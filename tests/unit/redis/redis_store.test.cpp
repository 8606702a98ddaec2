// SPDX-License-Identifier: MIT
// What the conformance suite does not see of the Redis store.
#include "nexus/idempotency/redis/redis_store.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/service.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"
#include "support/catch.hpp"
#include "support/redis_server.hpp"
#include "unit/redis/samples.hpp"

namespace {

using namespace nexus::idempotency;
using namespace std::chrono_literals;
using test::completed;
using test::guard_of;
using test::key;
using test::pending;
using test::place;
using test::redis_options;
using test::RedisCli;
using test::start;

// Returns: how often the server has executed the command since CONFIG RESETSTAT.
int executed(RedisCli& cli, const std::string& command) {
  const std::string all = cli.run({"INFO", "commandstats"});
  const std::string line = "cmdstat_" + command + ":calls=";
  const std::size_t at = all.find(line);
  return at == std::string::npos ? 0 : std::stoi(all.substr(at + line.size()));
}

// Returns: whether the server drops the record in `time`, give or take a minute.
bool is_kept_for(RedisCli& cli, const std::string& where, std::chrono::milliseconds time) {
  const auto left = std::chrono::milliseconds(std::stoll(cli.run({"PTTL", where})));
  return left <= time && left > time - 1min;
}

}  // namespace

TEST_CASE("options out of their range are refused") {
  const std::vector<std::function<void(RedisStoreOptions&)>> changes{
      [](auto& o) { o.pool_size = 0; },
      [](auto& o) { o.pool_timeout = 0us; },
      [](auto& o) { o.connect_timeout = 0us; },
      [](auto& o) { o.command_timeout = -1us; },
      [](auto& o) { o.wait_timeout = 0us; },
      [](auto& o) { o.retention_grace = 0us; },
      [](auto& o) { o.wait_replicas = -1; },
      [](auto& o) { o.database = -1; },
      [](auto& o) { o.prefix = std::string(257, 'p'); },
      [](auto& o) { o.user = "somebody"; },
      [](auto& o) { o.host = ""; },
      [](auto& o) { o.port = 0; },
      [](auto& o) { o.host = std::string("a\0b", 3); },
      [](auto& o) { o.unix_socket = std::string("a\0b", 3); },
      [](auto& o) { o.cluster = true, o.database = 1; },
      [](auto& o) { o.cluster = true, o.unix_socket = "/tmp/socket"; }};
  for (const auto& change : changes) {
    RedisStoreOptions options;
    CHECK_NOTHROW(RedisIdempotencyStore(options));
    change(options);
    CHECK_THROWS_AS(RedisIdempotencyStore(options), InvalidValueError);
  }
}

TEST_CASE("each call is one command, and so one round trip") {
  RedisIdempotencyStore store(redis_options());
  RedisCli cli;
  (void)store.claim_pending(pending("warm"));
  (void)store.save_if(guard_of(pending("warm")), completed(pending("warm")));

  const auto commands = [&](const std::function<void()>& call) {
    cli.run({"CONFIG", "RESETSTAT"});
    call();
    const int all =
        std::stoi(cli.run({"INFO", "stats"})
                      .substr(cli.run({"INFO", "stats"}).find("total_commands_processed:") + 25));
    return all;
  };
  // CONFIG RESETSTAT itself, and the first INFO, are counted.
  const int beside = commands([] {});
  CHECK(commands([&] { CHECK(store.claim_pending(pending()).claimed_new()); }) == beside + 1);
  CHECK(commands([&] { CHECK_FALSE(store.claim_pending(pending()).claimed_new()); }) == beside + 1);
  CHECK(executed(cli, "set") == 1);
  CHECK(commands([&] { CHECK(store.find(key()) == pending()); }) == beside + 1);
  // Two more within the script: GETRANGE, SET.
  const IdempotencyRecord done = completed(pending());
  CHECK(commands([&] { CHECK(store.save_if(guard_of(pending()), done)); }) == beside + 3);
  CHECK(executed(cli, "evalsha") == 1);
  CHECK(executed(cli, "eval") == 0);
  CHECK(commands([&] { CHECK_FALSE(store.save_if(guard_of(pending()), done)); }) == beside + 2);
}

TEST_CASE("a script that the server has forgotten is sent again, once") {
  RedisIdempotencyStore store(redis_options());
  RedisCli cli;
  for (const char* name : {"first", "second"}) {
    REQUIRE(store.claim_pending(pending(name)).claimed_new());
    cli.run({"SCRIPT", "FLUSH"});
    cli.run({"CONFIG", "RESETSTAT"});
    CHECK(store.save_if(guard_of(pending(name)), completed(pending(name))));
    CHECK_FALSE(store.save_if(guard_of(pending(name)), completed(pending(name))));
    CHECK(store.find(key(name)) == completed(pending(name)));
    CHECK(executed(cli, "eval") == 1);
    CHECK(executed(cli, "evalsha") == 2);
  }
}

TEST_CASE("the server keeps a record for its writer's time and the grace") {
  RedisStoreOptions options = redis_options();
  options.retention_grace = 2h;
  RedisIdempotencyStore store(options);
  RedisCli cli;
  const std::string where = place(options.prefix);
  const IdempotencyRecord claim = pending();
  REQUIRE(store.claim_pending(claim).claimed_new());
  CHECK(is_kept_for(cli, where, 15min + 2h));
  // Whoever only asks changes nothing.
  cli.run({"PEXPIRE", where, "5000000"});
  CHECK_FALSE(store.claim_pending(pending("key-1", "token-2")).claimed_new());
  CHECK(is_kept_for(cli, where, 5000s));

  SECTION("a renewal") {
    IdempotencyRecord renewed = claim;
    renewed.last_transition_at = start + 10min;
    renewed.expires_at = start + 25min;
    CHECK(store.save_if(guard_of(claim), renewed));
    CHECK(is_kept_for(cli, where, 15min + 2h));
  }
  SECTION("a renewal that would shorten: the deadline stays, and the time with it") {
    IdempotencyRecord renewed = claim;
    renewed.last_transition_at = start + 1min;
    renewed.expires_at = start + 2min;
    CHECK(store.save_if(guard_of(claim), renewed));
    CHECK(store.find(key())->expires_at == claim.expires_at);
    CHECK(store.find(key())->last_transition_at == start + 1min);
    CHECK(is_kept_for(cli, where, 5000s));
  }
  SECTION("a completion") {
    IdempotencyRecord done = completed(claim);
    done.last_transition_at = start + 1h;
    CHECK(store.save_if(guard_of(claim), done));
    CHECK(is_kept_for(cli, where, 23h + 2h));
  }
  SECTION("a deadline that has passed") {
    IdempotencyRecord done = completed(claim);
    done.expires_at = start - 1h;
    CHECK(store.save_if(guard_of(claim), done));
    CHECK(is_kept_for(cli, where, 2h));
    CHECK(store.find(key()) == done);
  }
  SECTION("no deadline, or one too far off: for ever") {
    for (const std::optional<Timestamp> deadline :
         {std::optional<Timestamp>(), {Timestamp::max()}}) {
      IdempotencyRecord done = completed(claim);
      done.expires_at = deadline;
      CHECK(store.save_if(guard_of(claim), done));
      CHECK(cli.run({"PTTL", where}) == "-1");
      CHECK(store.save_if(guard_of(done), claim));  // and back
      CHECK(is_kept_for(cli, where, 15min + 2h));
    }
  }
}

TEST_CASE("deadlines are compared as numbers, however many digits they have") {
  constexpr std::int64_t exact = std::int64_t{1} << 53;  // doubles are no longer exact behind it
  constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const std::vector<std::int64_t> times{least, least + 1, -exact - 1, -exact,   -100, -99, -10,
                                        -9,    -1,        0,          1,        9,    10,  99,
                                        100,   exact,     exact + 1,  most - 1, most};
  RedisIdempotencyStore store(redis_options());
  for (const std::int64_t deadline : times) {
    IdempotencyRecord claim = pending(std::to_string(deadline));
    claim.expires_at = Timestamp(Duration(deadline));
    REQUIRE(store.claim_pending(claim).claimed_new());
    for (const std::int64_t now : times) {
      CAPTURE(deadline, now);
      WriteGuard guard = guard_of(claim);
      guard.now = Timestamp(Duration(now));
      guard.lease = LeaseCondition::live;
      CHECK(store.save_if(guard, claim) == !(now > deadline));
      guard.lease = LeaseCondition::lapsed;
      CHECK(store.save_if(guard, claim) == (now > deadline));
    }
    for (const std::int64_t later : times) {
      CAPTURE(deadline, later);
      IdempotencyRecord fresh = pending(std::to_string(deadline) + " " + std::to_string(later));
      fresh.expires_at = claim.expires_at;
      REQUIRE(store.claim_pending(fresh).claimed_new());
      fresh.expires_at = Timestamp(Duration(later));
      CHECK(store.save_if(guard_of(fresh), fresh));
      CHECK(store.find(fresh.key)->expires_at == Timestamp(Duration(std::max(deadline, later))));
    }
  }
}

TEST_CASE("a claim without a deadline is kept for ever") {
  const RedisStoreOptions options = redis_options();
  RedisIdempotencyStore store(options);
  IdempotencyRecord claim = pending();
  claim.expires_at.reset();
  CHECK(store.claim_pending(claim).claimed_new());
  CHECK(RedisCli().run({"PTTL", place(options.prefix)}) == "-1");
  CHECK(store.find(key()) == claim);
}

TEST_CASE("the server drops a record by itself, and the key is free") {
  RedisStoreOptions options = redis_options();
  options.retention_grace = 1ms;
  RedisIdempotencyStore store(options);
  IdempotencyRecord claim = pending();
  claim.expires_at = start + 20ms;
  REQUIRE(store.claim_pending(claim).claimed_new());
  while (store.find(key())) std::this_thread::sleep_for(2ms);
  CHECK_FALSE(store.save_if(guard_of(claim), completed(claim)));
  CHECK_FALSE(store.find(key()));
  CHECK(store.claim_pending(pending()).claimed_new());
}

TEST_CASE("purge_expired leaves all to the server") {
  RedisIdempotencyStore store(redis_options());
  REQUIRE(store.claim_pending(pending()).claimed_new());
  CHECK(store.purge_expired(Timestamp::max(), 100) == 0);
  CHECK(store.find(key()) == pending());
}

TEST_CASE("prefixes and databases are apart") {
  RedisStoreOptions options = redis_options();
  RedisIdempotencyStore one(options);
  REQUIRE(one.claim_pending(pending()).claimed_new());
  options.database = 1;
  RedisIdempotencyStore other_database(options);
  CHECK_FALSE(other_database.find(key()));
  options.database = 0;
  options.prefix += "x";
  RedisIdempotencyStore other_prefix(options);
  CHECK_FALSE(other_prefix.find(key()));
  options.prefix = "";
  RedisIdempotencyStore no_prefix(options);
  CHECK(no_prefix.claim_pending(pending()).claimed_new());
  CHECK(RedisCli().run({"EXISTS", R"(["tenant-1","payments.charge","key-1"])"}) == "1");
  CHECK(RedisCli().run({"DEL", R"(["tenant-1","payments.charge","key-1"])"}) == "1");
}

TEST_CASE("a command's whole lifecycle over the store") {
  RedisIdempotencyStore store(redis_options());
  testing::ManualClock clock(start);
  IdempotencyService service(store, clock, {.pending_ttl = 15min, .completed_ttl = 24h});
  const RequestFingerprint fingerprint("fingerprint-1");
  const auto begin = [&] { return service.begin(key(), fingerprint); };

  const Attempt first = std::get<FirstExecution>(begin()).attempt;
  CHECK(std::get<InProgress>(begin()).retry_after == 15min);
  CHECK(std::holds_alternative<Conflict>(service.begin(key(), RequestFingerprint("other"))));
  clock.advance(10min);
  const Attempt renewed = service.renew(first);
  CHECK(renewed.lease_end == start + 25min);
  service.complete(renewed, ResultEnvelope("paid"));
  service.complete(renewed, ResultEnvelope("paid"));  // a repeat
  CHECK(std::get<Replay>(begin()).result == ResultEnvelope("paid"));
  CHECK(std::get<Replay>(begin()).completed_at == start + 10min);

  clock.advance(25h);  // the result has lapsed: taken over
  const Attempt second = std::get<FirstExecution>(begin()).attempt;
  CHECK(second.fence > first.fence);
  CHECK_THROWS_AS(service.complete(first, ResultEnvelope("late")), CompletionError);
  service.fail(second);
  const Attempt third = std::get<FirstExecution>(begin()).attempt;
  service.complete(third, ResultEnvelope::omitted());
  CHECK(std::get<Replay>(begin()).result.is_omitted());
}
