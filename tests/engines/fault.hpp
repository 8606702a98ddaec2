// SPDX-License-Identifier: MIT
#pragma once

// What may go wrong with a connection. A request is all that a client sends before it waits for an
// answer; opening a session may be one.

#include <cstddef>
#include <string_view>

namespace nexus::idempotency::test {

enum class Fault {
  drop_request,    // the connection ends before the server sees the request
  cut_request,     // the server sees it without its end, and works on that; then it ends
  lose_answer,     // the server carries it out, then the connection ends
  cut_answer,      // the same, but half of the answer arrives
  cut_end,         // the same, but only the last byte is missing
  stall_request,   // nothing is heard any more; the server never sees the request
  stall_answer,    // nothing is heard any more; the server carries it out
  zombie,          // the connection ends; the server sees the request at the next release()
  stalled_zombie,  // nothing is heard any more; the server sees the request at the next release()
};

inline constexpr Fault every_fault[] = {
    Fault::drop_request, Fault::cut_request,   Fault::lose_answer,
    Fault::cut_answer,   Fault::cut_end,       Fault::zombie,
    Fault::stall_answer, Fault::stall_request, Fault::stalled_zombie,
};

[[nodiscard]] constexpr std::string_view to_string(Fault fault) noexcept {
  switch (fault) {
    case Fault::drop_request:
      return "drop_request";
    case Fault::cut_request:
      return "cut_request";
    case Fault::lose_answer:
      return "lose_answer";
    case Fault::cut_answer:
      return "cut_answer";
    case Fault::cut_end:
      return "cut_end";
    case Fault::stall_request:
      return "stall_request";
    case Fault::stall_answer:
      return "stall_answer";
    case Fault::zombie:
      return "zombie";
    case Fault::stalled_zombie:
      return "stalled_zombie";
  }
  return "unknown";
}

[[nodiscard]] constexpr bool is_stall(Fault fault) noexcept {
  return fault == Fault::stall_request || fault == Fault::stall_answer ||
         fault == Fault::stalled_zombie;
}
[[nodiscard]] constexpr bool is_zombie(Fault fault) noexcept {
  return fault == Fault::zombie || fault == Fault::stalled_zombie;
}

// A fault, and how many requests pass before the one that it strikes, counted from the fault
// before.
struct PlannedFault {
  std::size_t after;
  Fault fault;
};

}  // namespace nexus::idempotency::test
