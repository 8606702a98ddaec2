// SPDX-License-Identifier: MIT
#pragma once

// A proxy in front of a PostgreSQL server that loses, delays and doubles what is said, on demand.
// It knows the protocol just well enough to tell one request, up to the message that asks for an
// answer, and one answer, up to the server's "ready". Opening a session counts as a request.

#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engines/socket.hpp"

namespace nexus::idempotency::test {

enum class Fault {
  drop_request,    // the connection ends before the server sees the request
  lose_answer,     // the server carries it out, then the connection ends
  cut_answer,      // the same, but half of the answer arrives
  cut_ready,       // the same, but only the last message is missing
  drop_commit,     // the server works and answers, but its connection ends before it is to commit
  stall_request,   // nothing is heard any more; the server never sees the request
  stall_answer,    // nothing is heard any more; the server carries it out
  zombie,          // the connection ends; the server sees the request at the next release()
  stalled_zombie,  // nothing is heard any more; the server sees the request at the next release()
};

inline constexpr Fault every_fault[] = {
    Fault::drop_request,  Fault::lose_answer,  Fault::cut_answer,
    Fault::cut_ready,     Fault::drop_commit,  Fault::zombie,
    Fault::stall_request, Fault::stall_answer, Fault::stalled_zombie,
};

[[nodiscard]] std::string_view to_string(Fault fault) noexcept;

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

struct ProxyTally {
  std::size_t requests = 0;  // those struck included
  std::size_t faults = 0;
};

// Thread-safety: one thread at a time, while any number of clients are connected.
class FaultProxy {
 public:
  // `server`: the conninfo of a server on a Unix socket.
  explicit FaultProxy(const std::string& server);
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  // Returns: how to reach the server through this proxy.
  [[nodiscard]] const std::string& conninfo() const { return conninfo_; }

  // Effects: from now on, these happen, one after the other. The tally starts at nothing.
  void arm(std::vector<PlannedFault> plan);
  // Effects: from now on, every request is struck. The tally starts at nothing.
  void strike_always(Fault fault);
  // Effects: ends every connection and takes no new one.
  void refuse();
  // Effects: ends every connection, and every new one as soon as it is made.
  void hang_up();
  // Effects: ends every connection, once.
  void break_idle();
  // Effects: all of that is over; whatever was held back stays so.
  void heal();
  // Effects: lets the server see the requests of zombies, and waits until it has answered.
  // Returns: how many there were.
  std::size_t release();

  [[nodiscard]] ProxyTally tally();

 private:
  struct Link;
  struct Zombie {
    Socket server;
    std::string request;
  };

  void loop();
  void in_loop(std::function<void()> work);
  void listen();
  void accept();
  void on_client(Link& link);
  void on_client_gone(Link& link);
  void on_server(Link& link);
  void deliver(Link& link, std::string request);
  void end_with_answer(Link& link);
  void end(Link& link);
  void end_all();
  [[nodiscard]] bool open_server(Link& link);
  [[nodiscard]] std::optional<Fault> next_fault();

  std::string directory_;
  std::string path_;         // of the socket that clients connect to
  std::string server_path_;  // and the server's
  std::string conninfo_;

  // What follows belongs to the proxy's thread, but for the queue.
  Socket listener_;
  std::list<Link> links_;
  std::vector<Zombie> zombies_;
  std::deque<PlannedFault> plan_;
  std::optional<Fault> always_;
  bool hangs_up_ = false;
  ProxyTally tally_;
  std::size_t since_fault_ = 0;
  bool stop_ = false;

  std::mutex mutex_;
  std::vector<std::packaged_task<void()>> queue_;
  Socket wake_;
  std::thread thread_;
};

}  // namespace nexus::idempotency::test
