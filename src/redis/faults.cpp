// SPDX-License-Identifier: MIT
#include "redis/faults.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "nexus/idempotency/errors.hpp"
#include "redis/hiredis.hpp"

namespace nexus::idempotency::redis {
namespace {

struct Meaning {
  std::string_view start;  // of the message
  StoreErrc code;
  const char* text;
};

// The first that fits.
constexpr Meaning meanings[] = {
    {"OOM ", StoreErrc::exhausted, "the server's memory is full"},
    {"ERR max number of clients", StoreErrc::exhausted, "the server has too many connections"},
    {"LOADING ", StoreErrc::unavailable, "the server is starting"},
    {"BUSY ", StoreErrc::unavailable, "the server is busy with somebody's script"},
    {"MASTERDOWN ", StoreErrc::unavailable, "the replica has lost its primary"},
    {"READONLY ", StoreErrc::unavailable, "the server is a replica, which only reads"},
    {"NOREPLICAS ", StoreErrc::unavailable, "the server has too few replicas to take writes"},
    {"MISCONF ", StoreErrc::unavailable, "the server can't save, and so takes no writes"},
    {"CLUSTERDOWN ", StoreErrc::unavailable, "the cluster, or a part of it, is down"},
    {"TRYAGAIN ", StoreErrc::contended, "the key is moving between nodes"},
    {"WRONGTYPE ", StoreErrc::corrupt, "something else is where the record should be"},
    {"CORRUPT ", StoreErrc::corrupt, "a stored record can't be right"},
    {"NOAUTH ", StoreErrc::misconfigured, "the server asks for a password"},
    {"WRONGPASS ", StoreErrc::misconfigured, "the server does not admit this user or password"},
    {"NOPERM ", StoreErrc::misconfigured, "the user lacks a permission"},
    {"DENIED ", StoreErrc::misconfigured, "the server admits local connections only"},
    {"MOVED ", StoreErrc::misconfigured, "the server is a cluster's node; see `cluster`"},
    {"ASK ", StoreErrc::misconfigured, "the server is a cluster's node; see `cluster`"},
    {"", StoreErrc::misconfigured, "the server refused a command"},
};

}  // namespace

StoreError server_error(std::string_view message) {
  const Meaning& meaning =
      *std::find_if(std::begin(meanings), std::end(meanings),
                    [&](const Meaning& m) { return message.substr(0, m.start.size()) == m.start; });
  return {meaning.code, meaning.text, std::string(code_of(message))};
}

bool is_state_of_writing(std::string_view code) noexcept {
  return code == "OOM" || code == "MISCONF" || code == "NOREPLICAS";
}

bool is_read_only(std::string_view code) noexcept {
  return code == "READONLY" || code == "MASTERDOWN";
}

StoreError wait_error(std::string_view message) {
  const std::string_view code = code_of(message);
  if (code == "NOPERM") return server_error(message);
  return {StoreErrc::in_doubt, "the replicas could not be waited for", std::string(code)};
}

StoreError connection_lost(Effect effect) {
  if (effect == Effect::none) return {StoreErrc::unavailable, "the connection was lost"};
  return {StoreErrc::in_doubt, "the connection was lost before the answer came"};
}

StoreError unexpected_answer() {
  return {StoreErrc::misconfigured, "the server's answer is of a kind that it should not be"};
}

}  // namespace nexus::idempotency::redis
