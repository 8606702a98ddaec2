// SPDX-License-Identifier: MIT
// What the processes of a crash test write down, one line an event, into a log that is independent
// of the store under test.
//
// Each line is one write() to a file opened with O_APPEND, so the order of the lines is an order in
// which things happened: what a process wrote before a call stands before what anybody wrote after
// having seen that call's effect. The judge reasons by places in the log, hardly ever by clocks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nexus::idempotency::test {

enum class What {
  // written before a call; a process that is killed inside of the call has this as its last line
  ask_begin,
  ask_complete,  // detail: the result
  ask_fail,      // detail: the failure
  ask_renew,
  ask_purge,
  // how a call of begin ended
  executed,  // this line is the command's effect: once it is there, the command has taken effect
  replayed,  // detail: the result
  in_progress,
  conflict,
  retry_not_allowed,  // detail: the failure
  // how a call of the others ended; a line here means that it is acknowledged
  completed,  // detail: the result
  failed,     // detail: the failure
  renewed,    // until: the new end
  purged,
  refused,  // detail: the call, and the CompletionFailure
  error,    // detail: the call, and what the service threw
  // others
  fault,         // detail: what the store threw, which the service may have coped with
  started,       // a process has opened its store
  crashes,       // a process is about to kill itself
  settled,       // after the load: this process has got a final answer for the key
  stuck,         // after the load: it hasn't
  stopped,       // the process ends in order
  server_down,   // the test has killed the server
  server_ready,  // and restarted it
};

inline constexpr std::array<std::string_view, 24> event_names = {
    "ask_begin", "ask_complete", "ask_fail",    "ask_renew",   "ask_purge",
    "executed",  "replayed",     "in_progress", "conflict",    "retry_not_allowed",
    "completed", "failed",       "renewed",     "purged",      "refused",
    "error",     "fault",        "started",     "crashes",     "settled",
    "stuck",     "stopped",      "server_down", "server_ready"};

[[nodiscard]] constexpr std::string_view to_string(What what) noexcept {
  return event_names[static_cast<std::size_t>(what)];
}

struct Event {
  std::uint32_t worker = 0;  // each thread of each process has a number, from 1; 0: the test
  What what{};
  std::uint32_t key = 0;    // the command's number
  std::uint64_t fence = 0;  // of the attempt, where there is one
  std::int64_t from = 0;    // the attempt's lease, in microseconds since 1970
  std::int64_t until = 0;
  std::int64_t wall = 0;     // when the line was made, by the same clock
  std::string detail = "-";  // no space in it

  [[nodiscard]] friend bool operator==(const Event&, const Event&) = default;
};

// Returns: the line, between two line ends, since a line before it may be torn: a process can be
// killed inside of write().
[[nodiscard]] std::string to_line(const Event& event);

// Returns: the event, if `line` is whole.
[[nodiscard]] std::optional<Event> parse_line(std::string_view line);

}  // namespace nexus::idempotency::test
