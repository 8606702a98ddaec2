// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_POSTGRES_INPUT_WATCH_HPP
#define NEXUS_IDEMPOTENCY_POSTGRES_INPUT_WATCH_HPP

// Waits for input on one socket, again and again. poll() with a timeout would do, but each call of
// it starts and stops a timer of the kernel's; the one here goes on from wait to wait, and is set
// anew only once it has run out. Its cost is two more file descriptors.

#include "stores/milliseconds.hpp"

namespace nexus::idempotency::postgres {

// Owns a file descriptor.
class Descriptor {
 public:
  // `fd`: what a system call returned. Errors: StoreErrc::exhausted if that is negative.
  explicit Descriptor(int fd);
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

class InputWatch {
 public:
  // Lifetimes: `socket` must stay open for as long as this is used.
  // Errors: StoreErrc::exhausted if the system has no more descriptors or watches.
  explicit InputWatch(int socket);

  // Returns: whether there is something to read, if only the end. Does not wait.
  [[nodiscard]] bool has_input() noexcept;

  // Effects: waits until there is something to read, if only the end, or `deadline` has passed.
  // Preconditions: `deadline` is not before that of an earlier call.
  // Returns: whether there is something to read.
  [[nodiscard]] bool wait(stores::Deadline deadline) noexcept;

 private:
  Descriptor timer_;
  Descriptor both_;  // an epoll of the socket and the timer
};

}  // namespace nexus::idempotency::postgres

#endif  // NEXUS_IDEMPOTENCY_POSTGRES_INPUT_WATCH_HPP
