// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

extern char** environ;

namespace nexus::idempotency::test {

// A process of ours. It is killed if it is still there when this object goes.
class Child {
 public:
  explicit Child(std::vector<std::string> command) {
    std::vector<char*> arguments;
    for (std::string& argument : command) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    int pipe[2];
    if (pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    said_ = pipe[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
    const int failed =
        posix_spawn(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(pipe[1]);
    if (failed != 0) {
      ::close(said_);
      throw std::runtime_error("can't start " + command.front());
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ != 0) kill_now();
    ::close(said_);
  }

  // Effects: waits until it has written something.
  void wait_until_ready() const {
    char byte = 0;
    if (::read(said_, &byte, 1) != 1) throw std::runtime_error("the process has ended early");
  }

  // Returns: all that it writes, until it ends.
  [[nodiscard]] std::string output() const {
    std::string text;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(said_, buffer, sizeof buffer)) > 0;) {
      text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
  }

  // Effects: ends it as a loss of power would.
  void kill_now() {
    ::kill(pid_, SIGKILL);
    (void)wait();
  }

  // Returns: how it ended: its exit status, or the number of the signal plus 128.
  int wait() {
    int status = 0;
    if (waitpid(std::exchange(pid_, 0), &status, 0) < 0) throw std::runtime_error("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_ = 0;
  int said_ = -1;  // what it writes to its standard output
};

inline constexpr int killed = 128 + SIGKILL;

}  // namespace nexus::idempotency::test
