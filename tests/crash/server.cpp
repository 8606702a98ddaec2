// SPDX-License-Identifier: MIT
#include "crash/server.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <system_error>

#include "crash/child.hpp"

namespace nexus::idempotency::test {
namespace {

const std::string script = NEXUS_IDEMPOTENCY_POSTGRES_SERVER;

}  // namespace

CrashingServer::CrashingServer(const std::filesystem::path& directory) : directory_(directory) {
  // The server runs as another user, who must get at its directory.
  std::filesystem::permissions(
      directory.parent_path(),
      std::filesystem::perms::others_exec | std::filesystem::perms::group_exec,
      std::filesystem::perm_options::add);
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe2");
  }
  alive_ = pipe[1];
  Child keeper("bash",
               {"-c", "exec 3<&0; (read -r _ <&3; exec bash \"$0\" stop \"$1\") >/dev/null 2>&1 &",
                script, directory_.string()},
               pipe[0]);
  const int status = keeper.wait();
  ::close(pipe[0]);
  if (status != 0) throw std::runtime_error("bash does not run");
  run("start");
  conninfo_ = line_of("conninfo");
}

CrashingServer::~CrashingServer() {
  try {
    run("stop");
    std::filesystem::remove_all(line_of("socket"));
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
  }
  ::close(alive_);
}

void CrashingServer::crash() {
  run("crash");
  // They have all ended. But where nobody collects them at once, the next server would find the old
  // one's number in these files, and a zombie of that number, which it takes for alive.
  std::filesystem::remove(directory_ / "data" / "postmaster.pid");
  std::filesystem::remove(line_of("socket") + "/.s.PGSQL.5432.lock");
}

void CrashingServer::again() {
  run("again");
}

void CrashingServer::run(const std::string& command) {
  if (Child("bash", {script, command, directory_.string()}).wait() != 0) {
    throw std::runtime_error("postgres_server.sh " + command + " failed");
  }
}

std::string CrashingServer::line_of(const char* file) const {
  std::string line;
  std::getline(std::ifstream(directory_ / file), line);
  if (line.empty()) throw std::runtime_error("the server's directory lacks a file");
  return line;
}

}  // namespace nexus::idempotency::test
