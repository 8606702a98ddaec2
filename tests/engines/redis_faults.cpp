// SPDX-License-Identifier: MIT
#include "engines/redis_faults.hpp"

#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace nexus::idempotency::test {
namespace {

// Returns: how long the value is that `bytes` begins with, a reply or a command; 0 if it is not all
// there.
std::size_t value_size(std::string_view bytes) {
  const std::size_t line_end = bytes.find("\r\n");
  if (line_end == bytes.npos) return 0;
  std::size_t end = line_end + 2;
  if (bytes[0] != '$' && bytes[0] != '*') return end;
  const long count = std::atol(std::string(bytes.substr(1, line_end - 1)).c_str());
  if (count < 0) return end;  // nil
  if (bytes[0] == '$') {
    end += static_cast<std::size_t>(count) + 2;
    return bytes.size() < end ? 0 : end;
  }
  for (long i = 0; i < count; ++i) {
    const std::size_t size = value_size(bytes.substr(end));
    if (size == 0) return 0;
    end += size;
  }
  return end;
}

struct Values {
  std::size_t count = 0;  // those that are all there
  std::size_t last = 0;   // where the last of them begins
  std::size_t end = 0;    // and where it ends
};

Values values_in(std::string_view bytes) {
  Values values;
  for (std::size_t size = 0; (size = value_size(bytes.substr(values.end))) != 0;) {
    ++values.count;
    values.last = values.end;
    values.end += size;
  }
  return values;
}

class RedisProtocol final : public Protocol {
 public:
  std::optional<Request> take_request(std::string& sent) const override {
    const Values commands = values_in(sent);
    if (commands.count == 0 || commands.end != sent.size()) return std::nullopt;
    Request request{sent, commands.count};
    sent.clear();
    return request;
  }

  bool is_whole(std::string_view answer, const Request& request) const override {
    return values_in(answer).count >= request.answers;
  }

  std::string cut(const Request& request) const override {
    const std::size_t last = values_in(request.bytes).last;
    return request.bytes.substr(0, last > 0 ? last : request.bytes.size() / 2);
  }
};

}  // namespace

const Protocol& redis_protocol() {
  static const RedisProtocol protocol;
  return protocol;
}

}  // namespace nexus::idempotency::test
