// SPDX-License-Identifier: MIT
#include "benchmarks/durable/redis_by_hand.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "benchmarks/durable/supply.hpp"
#include "benchmarks/support/requests.hpp"
#include "redis/lua.hpp"

namespace nexus::idempotency::benchmarks {
namespace {

constexpr std::int64_t grace = 3'600'000'000;

std::string text(std::int64_t number) {
  return std::to_string(number);
}

std::string milliseconds_kept(std::int64_t now, std::int64_t expires_at) {
  return text((std::max<std::int64_t>(expires_at - now, 0) + grace + 999) / 1000);
}

void add(std::string& out, std::string_view bytes) {
  out += std::to_string(bytes.size());
  out += ':';
  out += bytes;
  out += ' ';
}

std::string head(char status, std::string_view token, std::string_view fingerprint) {
  std::string out{'1', status, ' '};
  add(out, token);
  add(out, fingerprint);
  return out;
}

std::string pending(const RawClaim& claim, std::int64_t fence) {
  std::string out = head('0', claim.token, claim.fingerprint);
  for (const std::int64_t number : {claim.expires_at, fence, claim.now, claim.now}) {
    out += text(number);
    out += ' ';
  }
  return out + "none";
}

class Reader {
 public:
  explicit Reader(std::string_view packed) : rest_(packed) {}

  std::string_view word() {
    const std::size_t size = rest_.find(' ');
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size + 1);
    return taken;
  }
  std::int64_t number() { return number_of(word()); }
  std::string bytes() {
    const std::size_t colon = rest_.find(':');
    const auto size = static_cast<std::size_t>(number_of(rest_.substr(0, colon)));
    std::string taken(rest_.substr(colon + 1, size));
    rest_.remove_prefix(std::min(rest_.size(), colon + 1 + size + 1));
    return taken;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  static std::int64_t number_of(std::string_view digits) {
    std::int64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  }
  std::string_view rest_;
};

std::optional<RawRecord> record_in(const redisReply& answer) {
  if (answer.type == REDIS_REPLY_NIL) return std::nullopt;
  Reader reader({answer.str, answer.len});
  RawRecord record;
  record.status = reader.number() - 10;
  record.token = reader.bytes();
  record.fingerprint = reader.bytes();
  const std::string_view deadline = reader.word();
  if (deadline != "never") record.expires_at = Reader(std::string(deadline) + " ").number();
  record.fence = reader.number();
  record.created_at = reader.number();
  record.last_transition_at = reader.number();
  if (reader.rest() != "none") record.result = reader.bytes();
  return record;
}

}  // namespace

RedisByHand::RedisByHand(const std::string& socket, std::string prefix)
    : prefix_(std::move(prefix)) {
  for (std::size_t i = 0; i < max_threads; ++i) {
    connections_.emplace_back(redisConnectUnix(socket.c_str()));
    if (!connections_.back() || connections_.back()->err != 0) {
      throw std::runtime_error("no connection to redis");
    }
  }
  run(0, {"SCRIPT", "LOAD", redis::save_script.text});
}

RedisAnswer RedisByHand::run(std::size_t thread, std::initializer_list<std::string_view> command) {
  std::array<const char*, 12> parts{};
  std::array<std::size_t, 12> sizes{};
  std::size_t count = 0;
  for (const std::string_view part : command) {
    parts.at(count) = part.data();
    sizes.at(count++) = part.size();
  }
  RedisAnswer answer(static_cast<redisReply*>(redisCommandArgv(
      connections_.at(thread).get(), static_cast<int>(count), parts.data(), sizes.data())));
  if (!answer) throw std::runtime_error("the connection to redis broke");
  if (answer->type == REDIS_REPLY_ERROR) throw std::runtime_error(answer->str);
  return answer;
}

std::string RedisByHand::place(const RawClaim& claim) const {
  std::string out = prefix_;
  out += "[\"";
  out += tenant;
  out += "\",\"";
  out += operation;
  out += "\",\"";
  out += claim.client_key;
  out += "\"]";
  return out;
}

std::optional<RawRecord> RedisByHand::claim(std::size_t thread, const RawClaim& claim) {
  const RedisAnswer answer =
      run(thread, {"SET", place(claim), pending(claim, claim.fence), "NX", "GET", "PX",
                   milliseconds_kept(claim.now, claim.expires_at)});
  return record_in(*answer);
}

bool RedisByHand::complete(std::size_t thread, const RawClaim& claim, std::string_view result,
                           std::int64_t now, std::int64_t expires_at) {
  std::string next = head('1', claim.token, claim.fingerprint);
  for (const std::int64_t number : {expires_at, claim.fence, claim.now, now}) {
    next += text(number);
    next += ' ';
  }
  next += text(static_cast<std::int64_t>(result.size()));
  next += ':';
  next += result;
  const RedisAnswer answer = run(thread, {"EVALSHA", redis::save_script.sha1, "1", place(claim),
                                          head('0', claim.token, claim.fingerprint), "any",
                                          text(now), milliseconds_kept(now, expires_at), next});
  return answer->integer == 1;
}

bool RedisByHand::take_over(std::size_t thread, const RawRecord& judged, const RawClaim& claim) {
  const RedisAnswer answer =
      run(thread, {"EVALSHA", redis::save_script.sha1, "1", place(claim),
                   head('0', judged.token, judged.fingerprint), "lapsed", text(claim.now),
                   milliseconds_kept(claim.now, claim.expires_at),
                   pending(claim, std::max(judged.fence + 1, claim.fence))});
  return answer->integer == 1;
}

std::optional<RawRecord> RedisByHand::find(std::size_t thread, const RawClaim& claim) {
  return record_in(*run(thread, {"GET", place(claim)}));
}

void RedisByHand::round_trip(std::size_t thread) {
  run(thread, {"PING"});
}

}  // namespace nexus::idempotency::benchmarks
