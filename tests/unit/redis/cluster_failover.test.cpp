// SPDX-License-Identifier: MIT
// A cluster whose masters have a replica each, one of which takes over for its master.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/redis/redis_store.hpp"
#include "redis/slot.hpp"
#include "support/catch.hpp"
#include "support/redis_process.hpp"
#include "support/redis_server.hpp"
#include "unit/redis/samples.hpp"

namespace {

using namespace nexus::idempotency;
using namespace std::chrono_literals;
using test::completed;
using test::guard_of;
using test::key;
using test::pending;
using test::RedisCli;
using test::RedisProcess;

template <class Condition>
void wait_until(Condition is_so) {
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > end) throw std::runtime_error("it does not come to it");
    std::this_thread::sleep_for(5ms);
  }
}

class Cluster {
 public:
  static constexpr std::size_t masters = 3;
  static constexpr std::size_t slots_each = redis::slot_count / masters + 1;

  Cluster() {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const std::string bus_port = std::to_string(test::free_port());
      nodes_[i] = std::make_unique<RedisProcess>(
          std::vector<std::string>{"--cluster-enabled", "yes", "--cluster-port", bus_port,
                                   "--cluster-node-timeout", "3000",
                                   "--cluster-require-full-coverage", "no",
                                   "--cluster-replica-validity-factor", "0", "--appendonly", "no"},
          test::free_port());
      ids_[i] = ask(i, {"CLUSTER", "MYID"});
      ask(i, {"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
      if (i < masters) {
        const std::size_t first = i * slots_each;
        const std::size_t last = std::min<std::size_t>(first + slots_each, redis::slot_count) - 1;
        ask(i, {"CLUSTER", "ADDSLOTSRANGE", std::to_string(first), std::to_string(last)});
      }
      if (i > 0) {
        ask(0, {"CLUSTER", "MEET", "127.0.0.1", std::to_string(nodes_[i]->port()), bus_port});
      }
    }
    for (std::size_t i = masters; i < nodes_.size(); ++i) {
      // Once it has heard of its master.
      wait_until([&] { return ask(i, {"CLUSTER", "REPLICATE", ids_[i - masters]}) == "OK"; });
    }
    for (std::size_t i = 0; i < masters; ++i) wait_until([&] { return has_replica(i); });
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      wait_until([&] { return knows_all_nodes(i); });
    }
  }

  [[nodiscard]] RedisProcess& first() { return *nodes_.front(); }

  [[nodiscard]] RedisStoreOptions options(std::size_t node) const {
    RedisStoreOptions options;
    options.port = static_cast<std::uint16_t>(nodes_.at(node)->port());
    options.cluster = true;
    return options;
  }

 private:
  std::string ask(std::size_t node, const std::vector<std::string>& command) {
    return RedisCli(nodes_.at(node)->socket()).run(command);
  }
  bool has_replica(std::size_t node) { return ask(node, {"WAIT", "1", "100"}) == "1"; }

  // Returns: whether it sees the cluster as it is to be: all nodes known, all slots served, and who
  // is whose replica.
  bool knows_all_nodes(std::size_t node) {
    const std::string info = ask(node, {"CLUSTER", "INFO"});
    if (info.find("cluster_state:ok") == info.npos) return false;
    for (std::size_t i = 0; i < masters; ++i) {
      const std::string replicas = ask(node, {"CLUSTER", "REPLICAS", ids_[i]});
      if (replicas.find(ids_[i + masters]) == replicas.npos) return false;
    }
    return info.find("cluster_known_nodes:6") != info.npos;
  }

  std::array<std::unique_ptr<RedisProcess>, 2 * masters> nodes_;
  std::array<std::string, 2 * masters> ids_;
};

// Claims and completes commands on threads of its own, and notes what was acknowledged.
class Load {
 public:
  Load(RedisIdempotencyStore& store, std::string prefix)
      : store_(store), prefix_(std::move(prefix)) {
    for (const char* name : {"a", "b", "c"}) {
      threads_.emplace_back([this, name] { work(name); });
    }
  }
  ~Load() { stop(); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  void stop() {
    stopping_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  // Returns: how many were acknowledged whose slots the cluster's first node had at the beginning.
  [[nodiscard]] int acknowledged_of_first() const { return acknowledged_of_first_; }
  // Returns: the last of those.
  [[nodiscard]] std::string last_of_first() {
    const std::scoped_lock lock(mutex_);
    return last_of_first_;
  }
  // Returns: how many calls failed as they may while a node is gone.
  [[nodiscard]] int failed() const { return failed_; }

  // Of both: after stop().
  [[nodiscard]] const std::vector<std::string>& acknowledged() const { return acknowledged_; }
  // Returns: what else was thrown.
  [[nodiscard]] const std::vector<std::string>& surprises() const { return surprises_; }

 private:
  void work(const std::string& worker) {
    for (int i = 0; !stopping_; ++i) {
      const std::string name = worker + std::to_string(i);
      try {
        if (!store_.claim_pending(pending(name)).claimed_new()) continue;
        if (!store_.save_if(guard_of(pending(name)), completed(pending(name)))) continue;
      } catch (const StoreError& error) {
        ++failed_;
        if (error.code() != StoreErrc::in_doubt && error.code() != StoreErrc::unavailable) {
          surprised(error.what());
        }
        continue;
      } catch (const std::exception& error) {
        surprised(error.what());
        continue;
      }
      const std::scoped_lock lock(mutex_);
      acknowledged_.push_back(name);
      if (redis::slot_of(test::place(prefix_, name)) < Cluster::slots_each) {
        last_of_first_ = name;
        ++acknowledged_of_first_;
      }
    }
  }
  void surprised(const char* what) {
    const std::scoped_lock lock(mutex_);
    surprises_.emplace_back(what);
  }

  RedisIdempotencyStore& store_;
  const std::string prefix_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> acknowledged_of_first_{0};
  std::atomic<int> failed_{0};
  std::mutex mutex_;  // of what follows
  std::vector<std::string> acknowledged_;
  std::string last_of_first_;
  std::vector<std::string> surprises_;
  std::vector<std::thread> threads_;
};

}  // namespace

TEST_CASE("a master that is killed: its replica has all, and the same store goes on there") {
  Cluster cluster;
  RedisStoreOptions options = cluster.options(0);  // where the map was had from is gone, too
  options.wait_replicas = 1;
  options.wait_timeout = 100ms;
  RedisIdempotencyStore store(options);
  Load load(store, options.prefix);
  wait_until([&] { return load.acknowledged_of_first() >= 50; });
  cluster.first().crash();
  const std::string known = load.last_of_first();
  // Reading goes on as soon as the replica has taken over.
  wait_until([&] {
    try {
      return store.find(key(known)) == completed(pending(known));
    } catch (const StoreError& error) {
      CHECK(error.code() == StoreErrc::unavailable);
      return false;
    }
  });
  // Writing goes on as soon as there is a replica again, which the old master becomes.
  const int before = load.acknowledged_of_first();
  cluster.first().again();
  wait_until([&] { return load.acknowledged_of_first() >= before + 50; });
  load.stop();
  CHECK(load.failed() > 0);
  for (const std::string& each : load.surprises()) FAIL_CHECK(each);

  RedisIdempotencyStore fresh(cluster.options(1));
  int lost = 0;
  for (const std::string& name : load.acknowledged()) {
    if (store.find(key(name)) != completed(pending(name))) ++lost;
    if (fresh.find(key(name)) != completed(pending(name))) ++lost;
  }
  CHECK(lost == 0);
}
