// SPDX-License-Identifier: MIT
// A child process.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace nexus::idempotency::test {

class Child {
 public:
  // Effects: starts a program. `input`: what it has as its standard input; -1: nothing.
  // Errors: std::system_error.
  explicit Child(const std::string& program, const std::vector<std::string>& arguments,
                 int input = -1);
  // Kills it if it still runs.
  ~Child();
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;

  void signal(int number) const;

  // Returns: how it ended, as waitpid tells; nothing if it still runs.
  std::optional<int> poll();
  // The same, and waits for its end.
  int wait();

 private:
  std::optional<int> reap(int flags);

  pid_t pid_ = -1;  // -1: it has ended, and is reaped
  int status_ = 0;
};

}  // namespace nexus::idempotency::test
