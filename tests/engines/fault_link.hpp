// SPDX-License-Identifier: MIT
#pragma once

// One client's connection through a proxy, with a connection to the server of its own.

#include <optional>
#include <string>
#include <vector>

#include "engines/fault.hpp"
#include "engines/fault_plan.hpp"
#include "engines/fault_protocol.hpp"
#include "engines/socket.hpp"

namespace nexus::idempotency::test {

// A connection whose client has gone, and a request that the server has not seen.
struct Zombie {
  Socket server;
  std::string request;
};

// Thread-safety: one thread at a time.
class FaultLink {
 public:
  FaultLink(Socket client, Socket server, const Protocol& protocol);

  [[nodiscard]] const Socket& client() const { return client_; }
  [[nodiscard]] const Socket& server() const { return server_; }
  [[nodiscard]] bool is_over() const { return is_over_; }

  // Effects: deals with what the client has sent, or with its end.
  void on_client(FaultPlan& plan, std::vector<Zombie>& zombies);
  // Effects: deals with what the server has sent, or with its end.
  void on_server();
  // Effects: ends both sides. The server has ended its session then, and with it what it had open.
  void end();

 private:
  void deliver(Request request, FaultPlan& plan, std::vector<Zombie>& zombies);
  void end_with_answer();

  Socket client_;
  Socket server_;
  const Protocol& protocol_;
  std::string sent_;              // by the client, and no whole request yet
  std::optional<Fault> fault_{};  // has struck the last request
  Request struck_{};              // that request
  std::string answer_{};          // to it
  bool is_over_ = false;
};

}  // namespace nexus::idempotency::test
