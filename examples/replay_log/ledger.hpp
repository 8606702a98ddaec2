// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_EXAMPLES_REPLAY_LOG_LEDGER_HPP
#define NEXUS_IDEMPOTENCY_EXAMPLES_REPLAY_LOG_LEDGER_HPP

#include <cstddef>
#include <map>
#include <mutex>
#include <nexus/idempotency/key.hpp>
#include <string>
#include <string_view>
#include <tuple>

namespace replay_log {

// What the commands do to the world, counted where they do it. It knows nothing of what the library
// has answered, so it can tell whether the library kept its promise.
// Thread-safety: safe.
class Ledger {
 public:
  // Effects: the command takes effect, once more if it already has.
  // Returns: the reply to the client, another one for every effect.
  std::string carry_out(const nexus::idempotency::IdempotencyKey& command) {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[identity_of(command)];
    ++entry.effects;
    entry.reply = R"({"object":"obj_)" + std::to_string(++effects_) + R"("})";
    return entry.reply;
  }

  // Effects: notes that a client was answered with `reply` instead of the command being carried
  // out; it is wrong unless the command was, and its client would have been answered the same.
  void check_replay(const nexus::idempotency::IdempotencyKey& command, std::string_view reply) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(identity_of(command));
    if (found == entries_.end() || found->second.reply != reply) ++wrong_replays_;
  }

  // Returns: how many commands took effect more than once.
  std::size_t executed_twice() const {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    for (const auto& [identity, entry] : entries_) count += entry.effects > 1 ? 1 : 0;
    return count;
  }

  // Returns: how many commands took effect.
  std::size_t executed() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
  }

  std::size_t wrong_replays() const {
    const std::lock_guard lock(mutex_);
    return wrong_replays_;
  }

 private:
  // Spelled out, so as not to rest on the library's comparison of keys.
  using Identity = std::tuple<std::string, std::string, std::string>;
  struct Entry {
    std::size_t effects = 0;
    std::string reply;
  };

  static Identity identity_of(const nexus::idempotency::IdempotencyKey& command) {
    return {std::string(command.tenant().value()), std::string(command.operation().value()),
            std::string(command.client_key().value())};
  }

  mutable std::mutex mutex_;
  std::map<Identity, Entry> entries_;
  std::size_t effects_ = 0;
  std::size_t wrong_replays_ = 0;
};

}  // namespace replay_log

#endif  // NEXUS_IDEMPOTENCY_EXAMPLES_REPLAY_LOG_LEDGER_HPP
