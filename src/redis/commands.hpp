// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_REDIS_COMMANDS_HPP
#define NEXUS_IDEMPOTENCY_REDIS_COMMANDS_HPP

// Commands as bytes to send, one after the other. Each part is sent with its length, so that any
// byte may be in it.

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace nexus::idempotency::redis {

class Commands {
 public:
  void add(std::initializer_list<std::string_view> parts) {
    begin(parts.size());
    for (const std::string_view part : parts) add_part(part);
  }
  void add(const Commands& others) {
    bytes_ += others.bytes_;
    count_ += others.count_;
  }

  // Effects: makes room for `bytes` more, so that they are not moved as they grow.
  void reserve(std::size_t bytes) { bytes_.reserve(bytes_.size() + bytes); }
  // Effects: begins a command of `count` parts, which add_part() adds.
  void begin(std::size_t count) {
    add_line('*', count);
    ++count_;
  }
  void add_part(std::string_view part) {
    add_line('$', part.size());
    bytes_ += part;
    bytes_ += "\r\n";
  }

  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
  // Returns: how many commands there are.
  [[nodiscard]] std::size_t count() const noexcept { return count_; }

 private:
  void add_line(char kind, std::size_t number) {
    bytes_ += kind;
    bytes_ += std::to_string(number);
    bytes_ += "\r\n";
  }

  std::string bytes_;
  std::size_t count_ = 0;
};

}  // namespace nexus::idempotency::redis

#endif  // NEXUS_IDEMPOTENCY_REDIS_COMMANDS_HPP
