// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_REDIS_REQUEST_HPP
#define NEXUS_IDEMPOTENCY_REDIS_REQUEST_HPP

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "redis/commands.hpp"
#include "redis/faults.hpp"
#include "redis/script.hpp"

namespace nexus::idempotency::redis {

// One call: a read of a key, or a script with it.
// Lifetimes: the script and the arguments are borrowed.
class Request {
 public:
  // A read.
  explicit Request(std::string key) : key_(std::move(key)) {}

  Request(std::string key, const Script& script, std::span<const std::string_view> arguments)
      : key_(std::move(key)), script_(&script), arguments_(arguments) {}

  [[nodiscard]] std::string_view key() const noexcept { return key_; }

  // Returns: whether it may write.
  [[nodiscard]] bool writes() const noexcept { return script_ != nullptr; }
  [[nodiscard]] Effect effect() const noexcept { return writes() ? Effect::written : Effect::none; }

  // Effects: adds it. `with_text`: with the whole script, for a server that has forgotten it.
  void add_to(Commands& commands, bool with_text) const {
    if (script_ == nullptr) {
      commands.add({"GET", key_});
      return;
    }
    commands.begin(4 + arguments_.size());
    commands.add_part(with_text ? "EVAL" : "EVALSHA");
    commands.add_part(with_text ? script_->text : script_->sha1);
    commands.add_part("1");
    commands.add_part(key_);
    for (const std::string_view argument : arguments_) commands.add_part(argument);
  }

 private:
  std::string key_;
  const Script* script_ = nullptr;
  std::span<const std::string_view> arguments_;
};

}  // namespace nexus::idempotency::redis

#endif  // NEXUS_IDEMPOTENCY_REDIS_REQUEST_HPP
