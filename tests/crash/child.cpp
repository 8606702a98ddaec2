// SPDX-License-Identifier: MIT
#include "crash/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace nexus::idempotency::test {

Child::Child(const std::string& program, const std::vector<std::string>& arguments, int input) {
  std::vector<char*> words = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) {
    words.push_back(const_cast<char*>(argument.c_str()));
  }
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  if (input >= 0) {
    ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  } else {
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  const int error =
      ::posix_spawnp(&pid_, program.c_str(), &actions, nullptr, words.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw std::system_error(error, std::generic_category(), "start " + program);
  }
}

Child::~Child() {
  if (pid_ < 0) return;
  signal(SIGKILL);
  while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) continue;
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), status_(other.status_) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(status_, other.status_);
  return *this;
}

void Child::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

std::optional<int> Child::poll() {
  return reap(WNOHANG);
}

int Child::wait() {
  return reap(0).value();
}

std::optional<int> Child::reap(int flags) {
  if (pid_ < 0) return status_;
  for (;;) {
    const pid_t ended = ::waitpid(pid_, &status_, flags);
    if (ended == 0) return std::nullopt;
    if (ended == pid_) {
      pid_ = -1;
      return status_;
    }
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "waitpid");
  }
}

}  // namespace nexus::idempotency::test
