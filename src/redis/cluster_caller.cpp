// SPDX-License-Identifier: MIT
#include <hiredis/hiredis.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/redis/redis_store.hpp"
#include "redis/access.hpp"
#include "redis/address.hpp"
#include "redis/caller.hpp"
#include "redis/faults.hpp"
#include "redis/hiredis.hpp"
#include "redis/redirection.hpp"
#include "redis/request.hpp"
#include "redis/server.hpp"
#include "redis/slot.hpp"

namespace nexus::idempotency::redis {
namespace {

// The nodes that have been heard of, and which of them has which slot, as far as is known.
// Thread-safety: safe.
class Nodes {
 public:
  // Lifetimes: `access` is borrowed.
  explicit Nodes(const Access& access) : access_(access), slots_(slot_count, nullptr) {
    static_cast<void>(at(access.address()));
  }

  // Returns: the node at this address. It stays as long as this object.
  [[nodiscard]] Server& at(const Address& address) {
    const std::scoped_lock lock(mutex_);
    return locked_at(address);
  }

  // Returns: the node that has the slot.
  // Errors: StoreError if no node can be asked, or none has it.
  [[nodiscard]] Server& of(std::size_t slot) {
    if (Server* node = stale_.load() ? nullptr : known(slot)) return *node;
    const std::scoped_lock one_at_a_time(refreshing_);
    if (stale_.exchange(false)) {
      try {
        refresh();
      } catch (...) {
        stale_ = true;
        throw;
      }
    }
    if (Server* node = known(slot)) return *node;
    stale_ = true;
    throw StoreError(StoreErrc::unavailable, "no node of the cluster has the key's slot");
  }

  // Effects: notes what a node has said, and that more may have changed.
  void moved(std::size_t slot, Server& to) {
    {
      const std::scoped_lock lock(mutex_);
      slots_[slot] = &to;
    }
    stale_ = true;
  }

  // Effects: has the next call ask where slots are.
  void doubt() noexcept { stale_ = true; }

 private:
  [[nodiscard]] Server* known(std::size_t slot) {
    const std::scoped_lock lock(mutex_);
    return slots_[slot];
  }

  [[nodiscard]] Server& locked_at(const Address& address) {
    std::unique_ptr<Server>& node = nodes_[address];
    if (!node) {
      node = std::make_unique<Server>(address, access_);
      order_.push_back(node.get());
    }
    return *node;
  }

  // Asks one node after the other until one answers.
  void refresh() {
    std::vector<Server*> nodes;
    {
      const std::scoped_lock lock(mutex_);
      nodes = order_;
    }
    std::optional<StoreError> first;
    for (Server* node : nodes) {
      try {
        note(*node->cluster_slots(), node->address());
        return;
      } catch (const StoreError& error) {
        if (!first) first = error;
      }
    }
    throw StoreError(*first);
  }

  // An entry is: first slot, last slot, the primary, replicas. A node is: host, port, and more.
  void note(const redisReply& answer, const Address& from) {
    const std::scoped_lock lock(mutex_);
    std::vector<Server*> slots(slot_count, nullptr);
    for (std::size_t i = 0; i < answer.elements; ++i) {
      const redisReply& entry = *answer.element[i];
      if (entry.type != REDIS_REPLY_ARRAY || entry.elements < 3) throw unexpected_answer();
      for (std::size_t j = 2; j < entry.elements; ++j) {
        const redisReply& place = *entry.element[j];
        if (place.type != REDIS_REPLY_ARRAY || place.elements < 2) throw unexpected_answer();
        Address address{from.host, static_cast<std::uint16_t>(place.element[1]->integer), {}};
        const redisReply& host = *place.element[0];
        if (host.type == REDIS_REPLY_STRING && host.len > 0 && text_of(host) != "?") {
          address.host = text_of(host);
        }
        Server& node = locked_at(address);
        if (j > 2) continue;  // a replica: to be asked when the primary is gone
        const auto begin = std::clamp<long long>(entry.element[0]->integer, 0, slot_count);
        const auto end = std::clamp<long long>(entry.element[1]->integer + 1, begin, slot_count);
        std::fill(slots.begin() + begin, slots.begin() + end, &node);
      }
    }
    slots_ = std::move(slots);
  }

  const Access& access_;
  std::atomic<bool> stale_{true};
  std::mutex refreshing_;

  std::mutex mutex_;  // of what follows
  std::map<Address, std::unique_ptr<Server>> nodes_;
  std::vector<Server*> order_;  // as they were heard of
  std::vector<Server*> slots_;
};

class ClusterCaller final : public Caller {
 public:
  explicit ClusterCaller(const RedisStoreOptions& options) : access_(options), nodes_(access_) {}

  Reply call(const Request& request) override {
    const std::size_t slot = slot_of(request.key());
    Server* node = &nodes_.of(slot);
    bool asking = false;
    for (int i = 0; i < max_redirections; ++i) {
      Reply reply = run(*node, request, asking);
      if (!is_error(reply)) return reply;
      const auto redirection = redirection_in(text_of(*reply), node->address());
      if (!redirection) throw failed(text_of(*reply));
      node = &nodes_.at(redirection->to);
      asking = redirection->only_once;
      if (!asking) nodes_.moved(slot, *node);
    }
    throw StoreError(StoreErrc::contended, "the cluster's nodes sent the call on too often");
  }

 private:
  static constexpr int max_redirections = 8;

  Reply run(Server& node, const Request& request, bool asking) {
    try {
      return node.run(request, asking);
    } catch (const StoreError& error) {
      // The node may be gone, and another have its slots.
      if (error.code() != StoreErrc::exhausted) nodes_.doubt();
      throw;
    }
  }

  StoreError failed(std::string_view message) {
    const std::string_view code = code_of(message);
    if (code == "CLUSTERDOWN" || is_read_only(code)) nodes_.doubt();
    return server_error(message);
  }

  const Access access_;
  Nodes nodes_;
};

}  // namespace

std::unique_ptr<Caller> make_cluster_caller(const RedisStoreOptions& options) {
  return std::make_unique<ClusterCaller>(options);
}

}  // namespace nexus::idempotency::redis
