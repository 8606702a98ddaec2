// SPDX-License-Identifier: MIT
// See fault_cases.hpp and fault_storm.hpp.
#include <chrono>
#include <memory>
#include <string>

#include "engines/fault_cases.hpp"
#include "engines/fault_scenario.hpp"
#include "engines/fault_storm.hpp"
#include "engines/redis_faults.hpp"
#include "nexus/idempotency.hpp"
#include "nexus/idempotency/redis/redis_store.hpp"
#include "support/catch.hpp"
#include "support/redis_process.hpp"
#include "support/redis_server.hpp"

namespace nexus::idempotency::test {
namespace {

using namespace std::chrono_literals;

// A server of its own, as the script that a place has the server forget must stay known elsewhere.
// Each session begins with SELECT and INFO in one round trip. The other way to work: with AUTH
// before that, and a WAIT behind each write for the replica to have it.
class RedisPlace final : public Workplace {
 public:
  RedisPlace() {
    RedisCli cli(primary_.socket());
    cli.run({"ACL", "SETUSER", "worker", "on", ">secret", "~*", "+@all"});
    while (cli.run({"WAIT", "1", "1000"}) != "1") {
    }
    common_ = primary_.options();
    common_.database = 1;
    common_.pool_size = 1;
    store_ = std::make_unique<RedisIdempotencyStore>(common_);
    // So that the server knows the script.
    const IdempotencyRecord record{fresh_key(),
                                   RecordStatus::pending,
                                   RequestFingerprint("warm"),
                                   AttemptToken("warm"),
                                   1,
                                   std::nullopt,
                                   scenario_start,
                                   scenario_start,
                                   std::nullopt};
    (void)store_->save_if({record.attempt_token, record.fingerprint, record.status}, record);
  }

  IdempotencyStore& store() override { return *store_; }
  std::unique_ptr<FaultProxy> make_proxy() override {
    return std::make_unique<FaultProxy>(primary_.socket(), redis_protocol());
  }
  std::unique_ptr<IdempotencyStore> open(const FaultProxy& proxy, const Opening& opening) override {
    RedisStoreOptions options = common_;
    options.unix_socket = proxy.socket();
    options.pool_timeout = opening.hasty ? 1s : 30s;
    options.connect_timeout = options.pool_timeout;
    options.command_timeout = options.pool_timeout;
    // Few stalls last that long, and no fault is the replica's: on a machine with too much to do it
    // is only late.
    options.wait_timeout = opening.hasty ? 5s : 30s;
    if (!opening.usual) {
      options.user = "worker";
      options.password = "secret";
      options.wait_replicas = 1;
    }
    return std::make_unique<RedisIdempotencyStore>(options);
  }

  void forget_scripts() { RedisCli(primary_.socket()).run({"SCRIPT", "FLUSH"}); }

 private:
  RedisProcess primary_{{"--appendonly", "no"}, free_port()};
  RedisProcess replica_{
      {"--appendonly", "no", "--replicaof", "127.0.0.1 " + std::to_string(primary_.port())}};
  RedisStoreOptions common_;
  std::unique_ptr<RedisIdempotencyStore> store_;
};

void claim_and_forget_scripts(Subject& subject) {
  claim_and_go_on(subject);
  static_cast<RedisPlace&>(subject.place).forget_scripts();
}

Engine engine() {
  Engine engine{[] { return std::make_unique<RedisPlace>(); }, common_operations()};
  engine.operations.push_back({"complete, script forgotten", 2, true, true,
                               &claim_and_forget_scripts, &complete, &record_state, "done",
                               "pending old for 14 min", "completed old with result for 1440 min",
                               "done", "done"});
  return engine;
}

TEST_CASE("Redis: calls take no more round trips than they must") {
  calls_take_their_round_trips(engine());
}

TEST_CASE("Redis: one fault at any request of any call") {
  one_fault_anywhere(engine());
}

TEST_CASE("Redis: two faults in a row") {
  two_faults_in_a_row(engine());
}

TEST_CASE("Redis: stalls are given up in time") {
  stalls_are_given_up(engine());
}

TEST_CASE("Redis: an outage that lasts, and its end") {
  outages_end(engine());
}

TEST_CASE("Redis: a storm of faults") {
  RedisStoreOptions options = redis_options();
  FaultProxy proxy(options.unix_socket, redis_protocol());
  options.unix_socket = proxy.socket();
  options.pool_size = 4;
  options.pool_timeout = 60s;
  RedisIdempotencyStore store(options);
  survive_a_storm(proxy, store);
}

}  // namespace
}  // namespace nexus::idempotency::test
