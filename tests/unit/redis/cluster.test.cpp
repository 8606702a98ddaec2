// SPDX-License-Identifier: MIT
// The store in a cluster while slots move from node to node.
#include <chrono>
#include <cstdint>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/redis/redis_store.hpp"
#include "redis/slot.hpp"
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
using test::guard_of;
using test::key;
using test::pending;
using test::place;
using test::RedisCli;

struct Node {
  std::string host;
  int port = 0;
  std::string id;

  [[nodiscard]] RedisCli cli() const { return RedisCli(host, port); }
};

std::vector<Node> nodes() {
  std::istringstream all(test::redis_environment("NEXUS_IDEMPOTENCY_REDIS_CLUSTER"));
  std::vector<Node> out;
  for (std::string one; all >> one;) {
    Node node;
    node.host = one.substr(0, one.find(':'));
    node.port = std::stoi(one.substr(one.find(':') + 1));
    node.id = node.cli().run({"CLUSTER", "MYID"});
    out.push_back(node);
  }
  return out;
}

RedisStoreOptions cluster_options(const Node& seed) {
  RedisStoreOptions options;
  options.host = seed.host;
  options.port = static_cast<std::uint16_t>(seed.port);
  options.cluster = true;
  options.prefix = test::fresh_prefix();
  return options;
}

// Who has the slot of a key of these options, and who does not.
struct Placed {
  std::string where;
  std::string slot;
  Node owner;
  Node other;
};

Placed placed(const RedisStoreOptions& options) {
  Placed out;
  out.where = place(options.prefix);
  out.slot = std::to_string(redis::slot_of(out.where));
  for (const Node& node : nodes()) {
    // Only the owner does not send the question on.
    (node.cli().run({"GET", out.where}).substr(0, 6) == "!MOVED" ? out.other : out.owner) = node;
  }
  return out;
}

void begin_move(const Placed& it) {
  REQUIRE(it.other.cli().run({"CLUSTER", "SETSLOT", it.slot, "IMPORTING", it.owner.id}) == "OK");
  REQUIRE(it.owner.cli().run({"CLUSTER", "SETSLOT", it.slot, "MIGRATING", it.other.id}) == "OK");
}
void move_the_key(const Placed& it) {
  REQUIRE(it.owner.cli().run({"MIGRATE", it.other.host, std::to_string(it.other.port), it.where,
                              "0", "5000"}) == "OK");
}
void end_move(const Placed& it) {
  for (const Node& node : {it.other, it.owner}) {
    REQUIRE(node.cli().run({"CLUSTER", "SETSLOT", it.slot, "NODE", it.other.id}) == "OK");
  }
}

// Returns: how often a node has executed a command, as INFO has it, "calls" or "rejected_calls".
int counted(const Node& node, const std::string& command, const std::string& what = "calls") {
  const std::string all = node.cli().run({"INFO", "commandstats"});
  const std::size_t line = all.find("cmdstat_" + command + ":");
  if (line == std::string::npos) return 0;
  const bool is_first = what == "calls";
  const std::size_t at = all.find((is_first ? ":" : ",") + what + "=", line);
  return std::stoi(all.substr(at + what.size() + 2));
}

void check_lifecycle(RedisIdempotencyStore& store) {
  CHECK(store.claim_pending(pending()).claimed_new());
  CHECK(store.claim_pending(pending("key-1", "other")).existing == pending());
  CHECK(store.save_if(guard_of(pending()), completed(pending())));
  CHECK_FALSE(store.save_if(guard_of(pending()), completed(pending())));
  CHECK(store.find(key()) == completed(pending()));
}

}  // namespace

TEST_CASE("slots are computed as the nodes do") {
  RedisCli cli = nodes().front().cli();
  for (const std::string name :
       {"", "foo", "{user1000}.following", "foo{}{bar}", "foo{{bar}}zap", "foo{bar}{zap}", "a}b{c",
        "{", "{}", "}{", "x{y", R"(p:["tenant {1}","operation","key"])"}) {
    INFO(name);
    CHECK(cli.run({"CLUSTER", "KEYSLOT", name}) == std::to_string(redis::slot_of(name)));
  }
}

TEST_CASE("from any node, every record is found, on the node that has its slot") {
  for (const Node& seed : nodes()) {
    const RedisStoreOptions options = cluster_options(seed);
    RedisIdempotencyStore store(options);
    for (const Node& node : nodes()) node.cli().run({"CONFIG", "RESETSTAT"});
    for (int i = 0; i < 30; ++i) {
      const std::string name = "key {" + std::to_string(i) + "}";
      REQUIRE(store.claim_pending(pending(name)).claimed_new());
      REQUIRE(store.save_if(guard_of(pending(name)), completed(pending(name))));
      REQUIRE(store.find(key(name)) == completed(pending(name)));
    }
    int sets = 0;
    for (const Node& node : nodes()) {
      CHECK(counted(node, "get") > 0);
      CHECK(counted(node, "get", "rejected_calls") == 0);  // none was sent on
      sets += counted(node, "get");
    }
    CHECK(sets == 30);
  }
}

TEST_CASE("a slot that has moved: MOVED, and known from then on") {
  const RedisStoreOptions options = cluster_options(nodes().front());
  RedisIdempotencyStore store(options);
  REQUIRE(store.claim_pending(pending()).claimed_new());
  const Placed it = placed(options);
  begin_move(it);
  move_the_key(it);
  end_move(it);
  it.owner.cli().run({"CONFIG", "RESETSTAT"});
  CHECK(store.find(key()) == pending());
  CHECK(counted(it.owner, "get", "rejected_calls") == 1);
  CHECK(store.save_if(guard_of(pending()), completed(pending())));
  CHECK(store.find(key()) == completed(pending()));
  CHECK(counted(it.owner, "get", "rejected_calls") == 1);
  CHECK(counted(it.owner, "evalsha", "rejected_calls") == 0);
}

TEST_CASE("a write to a slot that has moved, by a script the new node has not seen") {
  const RedisStoreOptions options = cluster_options(nodes().front());
  RedisIdempotencyStore store(options);
  REQUIRE(store.claim_pending(pending()).claimed_new());
  const Placed it = placed(options);
  it.other.cli().run({"SCRIPT", "FLUSH"});
  begin_move(it);
  move_the_key(it);
  end_move(it);
  CHECK(store.save_if(guard_of(pending()), completed(pending())));
  CHECK(store.find(key()) == completed(pending()));
}

TEST_CASE("a slot that is moving: ASK for what is not there any more, and only for that") {
  const RedisStoreOptions options = cluster_options(nodes().front());
  RedisIdempotencyStore store(options);
  const Placed it = placed(options);
  SECTION("the key has not moved yet") {
    REQUIRE(store.claim_pending(pending()).claimed_new());
    begin_move(it);
    CHECK(store.find(key()) == pending());
    CHECK(store.save_if(guard_of(pending()), completed(pending())));
    move_the_key(it);
    CHECK(store.find(key()) == completed(pending()));
    CHECK_FALSE(store.save_if(guard_of(pending()), completed(pending())));
  }
  SECTION("the key is new, and so made on the new node") {
    begin_move(it);
    it.other.cli().run({"SCRIPT", "FLUSH"});
    check_lifecycle(store);
    CHECK(it.owner.cli().run({"GET", it.where}).substr(0, 4) == "!ASK");
  }
  // The node that asked is still the one to ask first: nothing was noted.
  for (const Node& node : nodes()) node.cli().run({"CONFIG", "RESETSTAT"});
  CHECK(store.find(key()) == completed(pending()));
  CHECK(counted(it.owner, "get", "rejected_calls") == 1);
  for (const Node& node : nodes()) CHECK(counted(node, "cluster|slots") == 0);
  end_move(it);
  CHECK(store.find(key()) == completed(pending()));
}

TEST_CASE("a cluster's node taken for a server of its own: misconfigured for what isn't there") {
  const RedisStoreOptions options = cluster_options(nodes().front());
  const Placed it = placed(options);
  RedisStoreOptions single = options;
  single.cluster = false;
  single.port = static_cast<std::uint16_t>(it.other.port);
  RedisIdempotencyStore store(single);
  const StoreError error = caught([&] { (void)store.claim_pending(pending()); });
  CHECK(error.code() == StoreErrc::misconfigured);
  CHECK(error.native_code() == "MOVED");
}

TEST_CASE("a cluster that can't be reached: unavailable") {
  RedisStoreOptions options = cluster_options(nodes().front());
  options.port = static_cast<std::uint16_t>(test::free_port());
  RedisIdempotencyStore store(options);
  for (int i = 0; i < 2; ++i) {
    CHECK(caught([&] { (void)store.claim_pending(pending()); }).code() == StoreErrc::unavailable);
    CHECK(caught([&] { (void)store.find(key()); }).code() == StoreErrc::unavailable);
  }
}
