// SPDX-License-Identifier: MIT
#include <hiredis/hiredis.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "crash/commands.hpp"
#include "crash/stored.hpp"
#include "nexus/idempotency/record.hpp"

namespace nexus::idempotency::test {
namespace {

using RedisReply = std::unique_ptr<redisReply, void (*)(redisReply*)>;

std::string_view text_of(const redisReply& reply) {
  return {reply.str, reply.len};
}

// Returns: the bytes of "<size>:<bytes>" at the start of `text`, and what is behind them.
std::string_view take_bytes(std::string_view& text) {
  const std::size_t colon = text.find(':');
  const auto size = static_cast<std::size_t>(std::stoul(std::string(text.substr(0, colon))));
  const std::string_view bytes = text.substr(colon + 1, size);
  text.remove_prefix(colon + 1 + size);
  return bytes;
}

// As src/redis/packed.hpp describes it.
Settled settled(std::string_view packed) {
  const int status = packed.at(1) - '0';
  packed.remove_prefix(3);
  take_bytes(packed);  // the token
  packed.remove_prefix(1);
  take_bytes(packed);  // the fingerprint
  packed.remove_prefix(1);
  std::string deadline;
  std::string created_at;
  std::string last_transition_at;
  std::uint64_t fence = 0;
  std::istringstream numbers{std::string(packed)};
  numbers >> deadline >> fence >> created_at >> last_transition_at;
  if (!numbers) throw std::runtime_error("a record that can't be read");
  packed.remove_prefix(static_cast<std::size_t>(numbers.tellg()) + 1);
  std::string outcome = "none";
  if (packed != "none") {
    const std::string_view bytes = take_bytes(packed);
    outcome = bytes.empty() ? "omitted" : describe(bytes);
  }
  return {static_cast<RecordStatus>(status), fence, outcome};
}

// Returns: the command's number out of prefix["tenant","crash.test","<number>"].
std::uint32_t number_in(std::string_view place) {
  const std::size_t end = place.rfind('"');
  const std::size_t begin = place.rfind('"', end - 1) + 1;
  return static_cast<std::uint32_t>(std::stoul(std::string(place.substr(begin, end - begin))));
}

}  // namespace

Answers read_by_hiredis(const std::string& socket) {
  const std::unique_ptr<redisContext, decltype(&redisFree)> connection(
      redisConnectUnix(socket.c_str()), &redisFree);
  const auto run = [&](const char* format, auto... arguments) {
    RedisReply reply(static_cast<redisReply*>(redisCommand(connection.get(), format, arguments...)),
                     [](redisReply* r) { freeReplyObject(r); });
    if (!reply || reply->type == REDIS_REPLY_ERROR) throw std::runtime_error("redis fails");
    return reply;
  };
  Answers answers;
  std::string cursor = "0";
  do {
    const RedisReply page = run("SCAN %s COUNT 1000", cursor.c_str());
    cursor = text_of(*page->element[0]);
    const redisReply& places = *page->element[1];
    for (std::size_t i = 0; i < places.elements; ++i) {
      const redisReply& place = *places.element[i];
      const RedisReply record = run("GET %b", place.str, place.len);
      if (record->type == REDIS_REPLY_NIL) continue;  // dropped meanwhile
      answers[number_in(text_of(place))] = settled(text_of(*record));
    }
  } while (cursor != "0");
  return answers;
}

}  // namespace nexus::idempotency::test
