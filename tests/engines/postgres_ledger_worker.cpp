// SPDX-License-Identifier: MIT
// A step here is the moment before something is sent to the server, and the moment after it.
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

#include "engines/ledger_worker.hpp"
#include "engines/postgres_ledger.hpp"

// In place of the C library's, also for libpq.
extern "C" ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  nexus::idempotency::test::next_step();
  const ssize_t sent = syscall(SYS_sendto, fd, bytes, size, flags, nullptr, 0);
  nexus::idempotency::test::next_step();
  return sent;
}

int main(int argc, char** argv) {
  return nexus::idempotency::test::work<nexus::idempotency::test::PostgresLedger>(argc, argv);
}
