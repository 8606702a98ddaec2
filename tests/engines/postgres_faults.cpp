// SPDX-License-Identifier: MIT
#include "engines/postgres_faults.hpp"

#include <libpq-fe.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>

namespace nexus::idempotency::test {
namespace {

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t n = 0;
  for (std::size_t i = 0; i < 4; ++i) n = n << 8U | static_cast<unsigned char>(bytes[at + i]);
  return n;
}

// The message that opens a session has no type, but its length first, which is not that great.
bool opens_session(std::string_view bytes) {
  return bytes[0] == '\0';
}

// Returns: how long the message is that `bytes` begins with; 0 if it is not all there.
std::size_t message_size(std::string_view bytes) {
  if (bytes.size() < 5) return 0;
  const std::size_t size =
      opens_session(bytes) ? number_at(bytes, 0) : std::size_t{1} + number_at(bytes, 1);
  return bytes.size() < size ? 0 : size;
}

class PostgresProtocol final : public Protocol {
 public:
  std::optional<Request> take_request(std::string& sent) const override {
    for (std::size_t end = 0;;) {
      const std::string_view message = std::string_view(sent).substr(end);
      const std::size_t size = message_size(message);
      if (size == 0) return std::nullopt;
      end += size;
      const char type = message[0];
      const bool is_goodbye = type == 'X';
      if (is_goodbye || type == 'Q' || type == 'S' || opens_session(message)) {  // query, sync
        Request request{sent.substr(0, end), is_goodbye ? 0U : 1U};
        sent.erase(0, end);
        return request;
      }
    }
  }

  bool is_whole(std::string_view answer, const Request& /*request*/) const override {
    for (std::size_t size = 0; (size = message_size(answer)) != 0; answer.remove_prefix(size)) {
      if (answer[0] == 'Z') return true;
    }
    return false;
  }

  // The sync at its end is a flush instead. Nothing if it executes nothing that could be committed.
  std::string cut(const Request& request) const override {
    std::string bytes = request.bytes;
    bool executes = false;
    for (std::string_view left = bytes; !left.empty(); left.remove_prefix(message_size(left))) {
      executes = executes || left[0] == 'E';
    }
    if (!executes) return {};
    bytes[bytes.size() - 5] = 'H';
    return bytes;
  }
};

}  // namespace

const Protocol& postgres_protocol() {
  static const PostgresProtocol protocol;
  return protocol;
}

std::string postgres_socket(const std::string& conninfo) {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(conninfo.c_str(), nullptr), &PQconninfoFree);
  if (!options) throw std::runtime_error("no valid conninfo");
  std::string host;
  std::string port = "5432";
  for (const PQconninfoOption* o = options.get(); o->keyword != nullptr; ++o) {
    if (o->val == nullptr) continue;
    if (std::string_view(o->keyword) == "host") host = o->val;
    if (std::string_view(o->keyword) == "port") port = o->val;
  }
  return host + "/.s.PGSQL." + port;
}

}  // namespace nexus::idempotency::test
