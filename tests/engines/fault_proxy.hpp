// SPDX-License-Identifier: MIT
#pragma once

// A proxy in front of a server on a Unix socket that loses, delays and doubles what is said, on
// demand.

#include <cstddef>
#include <functional>
#include <future>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engines/fault.hpp"
#include "engines/fault_link.hpp"
#include "engines/fault_plan.hpp"
#include "engines/fault_protocol.hpp"
#include "engines/socket.hpp"

namespace nexus::idempotency::test {

// Thread-safety: one thread at a time, while any number of clients are connected.
class FaultProxy {
 public:
  // `server`: the path of the server's socket. Lifetimes: the protocol outlives it.
  FaultProxy(std::string server, const Protocol& protocol);
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  // Returns: where clients connect to: a socket of the same name as the server's, in a directory of
  // its own.
  [[nodiscard]] const std::string& socket() const { return path_; }
  [[nodiscard]] const std::string& directory() const { return directory_; }

  // Effects: from now on, these happen, one after the other. The tally starts at nothing.
  void arm(const std::vector<PlannedFault>& plan);
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

  [[nodiscard]] FaultTally tally();

 private:
  void loop();
  void in_loop(std::function<void()> work);
  void do_queued();
  void accept();
  void end_all();

  std::string directory_;
  std::string path_;         // of the socket that clients connect to
  std::string server_path_;  // and the server's

  // What follows belongs to the proxy's thread, but for the queue.
  const Protocol& protocol_;
  Socket listener_;
  std::list<FaultLink> links_;
  std::vector<Zombie> zombies_;
  FaultPlan plan_;
  bool hangs_up_ = false;
  bool stop_ = false;

  std::mutex mutex_;
  std::vector<std::packaged_task<void()>> queue_;
  Socket wake_;
  std::thread thread_;
};

}  // namespace nexus::idempotency::test
