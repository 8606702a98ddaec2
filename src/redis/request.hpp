// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_REDIS_REQUEST_HPP
#define NEXUS_IDEMPOTENCY_REDIS_REQUEST_HPP

#include <span>
#include <string_view>

#include "redis/commands.hpp"
#include "redis/faults.hpp"
#include "redis/script.hpp"

namespace nexus::idempotency::redis {

// One call: a command on a key, or a script with it.
// Lifetimes: names, scripts and arguments are borrowed.
class Request {
 public:
  using Arguments = std::span<const std::string_view>;

  Request(std::string_view command, std::string_view key, Arguments arguments, Effect effect)
      : command_(command), key_(key), arguments_(arguments), effect_(effect) {}

  Request(const Script& script, std::string_view key, Arguments arguments, Effect effect)
      : script_(&script), key_(key), arguments_(arguments), effect_(effect) {}

  [[nodiscard]] std::string_view key() const noexcept { return key_; }
  [[nodiscard]] Effect effect() const noexcept { return effect_; }

  // Effects: adds it. `with_text`: a script is sent whole, for a server that has forgotten it.
  void add_to(Commands& commands, bool with_text) const {
    std::size_t size = 512;  // around the arguments
    for (const std::string_view argument : arguments_) size += argument.size();
    commands.reserve(size);
    if (script_ == nullptr) {
      commands.begin(2 + arguments_.size());
      commands.add_part(command_);
    } else {
      commands.begin(4 + arguments_.size());
      commands.add_part(with_text ? "EVAL" : "EVALSHA");
      commands.add_part(with_text ? script_->text : script_->sha1);
      commands.add_part("1");
    }
    commands.add_part(key_);
    for (const std::string_view argument : arguments_) commands.add_part(argument);
  }

 private:
  std::string_view command_;
  const Script* script_ = nullptr;
  std::string_view key_;
  Arguments arguments_;
  Effect effect_;
};

}  // namespace nexus::idempotency::redis

#endif  // NEXUS_IDEMPOTENCY_REDIS_REQUEST_HPP
