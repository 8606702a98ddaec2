// SPDX-License-Identifier: MIT
#include "redis/server.hpp"

#include <hiredis/hiredis.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/redis/redis_store.hpp"
#include "redis/access.hpp"
#include "redis/address.hpp"
#include "redis/commands.hpp"
#include "redis/connection.hpp"
#include "redis/faults.hpp"
#include "redis/hiredis.hpp"
#include "redis/request.hpp"
#include "stores/milliseconds.hpp"

namespace nexus::idempotency::redis {
namespace {

using stores::deadline_in;
using stores::milliseconds_up;

// Returns: the value of a line "name:value" in the answer to INFO; "" if there is none.
std::string_view info_value(std::string_view info, std::string_view name) {
  for (std::size_t at = 0; (at = info.find(name, at)) != info.npos; at += name.size()) {
    const std::size_t colon = at + name.size();
    if ((at == 0 || info[at - 1] == '\n') && info.substr(colon, 1) == ":") {
      const std::string_view value = info.substr(colon + 1);
      return value.substr(0, value.find_first_of("\r\n"));
    }
  }
  return {};
}

std::chrono::milliseconds answer_timeout(const RedisStoreOptions& options) {
  const auto time = milliseconds_up(options.command_timeout);
  return options.wait_replicas > 0 ? time + milliseconds_up(options.wait_timeout) : time;
}

// Errors: StoreErrc::misconfigured.
void check_eviction(std::string_view info) {
  if (info_value(info, "maxmemory_policy") != "noeviction") {
    throw StoreError(StoreErrc::misconfigured,
                     "the server may evict keys: its maxmemory-policy is not noeviction");
  }
}

}  // namespace

Server::Server(Address address, const Access& access)
    : address_(std::move(address)),
      access_(access),
      options_(access.options()),
      answer_timeout_(answer_timeout(options_)),
      pool_(options_.pool_size, milliseconds_up(options_.pool_timeout),
            [this] { return connect(); }) {}

Reply Server::run(const Request& request, bool asking) {
  Pool::Lease lease = pool_.take();
  Reply reply = run_on(lease, request, asking, false);
  if (is_error(reply) && code_of(text_of(*reply)) == "NOSCRIPT") {
    reply = run_on(lease, request, asking, true);
  }
  if (is_error(reply) && is_read_only(code_of(text_of(*reply)))) lease.discard_all();
  return reply;
}

Reply Server::run_on(Pool::Lease& lease, const Request& request, bool asking, bool with_text) {
  const bool waits = request.effect() == Effect::written && options_.wait_replicas > 0;
  Commands commands;
  if (asking) commands.add({"ASKING"});
  request.add_to(commands, with_text);
  if (waits) {
    commands.add({"WAIT", std::to_string(options_.wait_replicas),
                  std::to_string(milliseconds_up(options_.wait_timeout).count())});
  }
  std::vector<Reply> replies = lease.connection().run(commands, deadline_in(answer_timeout_));
  if (replies.empty()) {
    lease.discard_all();
    throw connection_lost(request.effect());
  }
  if (is_error(replies.front())) return std::move(replies.front());
  Reply& reply = replies[asking ? 1 : 0];
  if (!is_error(reply) && waits) check_replicas(*replies.back());
  return std::move(reply);
}

void Server::check_replicas(const redisReply& answer) const {
  if (answer.type == REDIS_REPLY_INTEGER && answer.integer >= options_.wait_replicas) return;
  if (answer.type == REDIS_REPLY_ERROR) throw wait_error(text_of(answer));
  throw StoreError(StoreErrc::in_doubt, "too few replicas have acknowledged it in time");
}

Reply Server::cluster_slots() {
  Pool::Lease lease = pool_.take();
  Commands commands;
  commands.add({"CLUSTER", "SLOTS"});
  std::vector<Reply> replies = lease.connection().run(commands, deadline_in(answer_timeout_));
  if (replies.empty()) {
    lease.discard_all();
    throw connection_lost(Effect::none);
  }
  if (is_error(replies.front())) throw server_error(text_of(*replies.front()));
  return std::move(replies.front());
}

std::unique_ptr<Connection> Server::connect() const {
  Commands commands;
  if (options_.database != 0) commands.add({"SELECT", std::to_string(options_.database)});
  options_.require_noeviction ? commands.add({"INFO", "memory"}) : commands.add({"PING"});
  Access::Opened opened = access_.open(address_, commands);
  if (options_.require_noeviction) check_eviction(text_of(*opened.last));
  return std::move(opened.connection);
}

}  // namespace nexus::idempotency::redis
