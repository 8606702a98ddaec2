// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "engines/fault_protocol.hpp"
#include "engines/fault_proxy.hpp"

namespace nexus::idempotency::test {

// A request goes up to the message that asks for an answer, an answer up to the server's "ready".
// cut(): the server works and answers, but isn't told to commit.
[[nodiscard]] const Protocol& postgres_protocol();

// Returns: the path of the server's socket.
// Errors: std::runtime_error if libpq can't parse it.
[[nodiscard]] std::string postgres_socket(const std::string& conninfo);

// Returns: how the same server is reached through the proxy.
[[nodiscard]] inline std::string through(const FaultProxy& proxy, const std::string& conninfo) {
  return conninfo + " host=" + proxy.directory();
}

}  // namespace nexus::idempotency::test
