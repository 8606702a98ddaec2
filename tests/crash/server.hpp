// SPDX-License-Identifier: MIT
// A PostgreSQL server that a test may crash.
#pragma once

#include <filesystem>
#include <string>

namespace nexus::idempotency::test {

class CrashingServer {
 public:
  // Effects: makes and starts one in `directory`, which must not exist, by
  // cmake/postgres_server.sh. Another process waits for the end of this one, however it comes, and
  // stops the server then: it is nobody's child.
  // Errors: std::runtime_error.
  explicit CrashingServer(const std::filesystem::path& directory);
  ~CrashingServer();
  CrashingServer(const CrashingServer&) = delete;
  CrashingServer& operator=(const CrashingServer&) = delete;

  // Effects: kills all processes of the server by SIGKILL; they are gone afterwards.
  void crash();
  // Effects: starts it again, and returns once it takes connections.
  void again();

  [[nodiscard]] const std::string& conninfo() const { return conninfo_; }

 private:
  void run(const std::string& command);
  [[nodiscard]] std::string line_of(const char* file) const;

  std::filesystem::path directory_;
  std::string conninfo_;
  int alive_ = -1;  // the end of a pipe that this process alone holds
};

}  // namespace nexus::idempotency::test
