// SPDX-License-Identifier: MIT
// SQLite's way to the disk, on which this process kills itself at a chosen call.
#pragma once

#include <sqlite3.h>

namespace nexus::idempotency::test {

// While it lives, all connections that are opened go through it. One at a time, and not for
// several threads.
//
// Counted is whatever changes something that another process can see: writes, truncations and
// syncs of a file, making and deleting one, and its locks, those of the shared WAL index too.
// What is written to that index between two of these goes by memory, without a call.
class KillingVfs {
 public:
  KillingVfs();
  ~KillingVfs();
  KillingVfs(const KillingVfs&) = delete;
  KillingVfs& operator=(const KillingVfs&) = delete;

  // Effects: the n-th counted call from now on is not made: this process ends by SIGKILL. With
  // `torn`, only writes are counted, and the first half of the n-th is made.
  void arm(int n, bool torn);

  // For the file methods. Ends this process before a call that is not to be made.
  // Returns: whether this call, a write, is to be made by half.
  bool count(bool write = false);
  [[nodiscard]] int open(const char* name, sqlite3_file* file, int flags, int* out_flags);
  [[nodiscard]] int remove(const char* name, int sync_directory);

 private:
  sqlite3_vfs* const real_;
  sqlite3_vfs vfs_{};
  int left_ = 0;
  bool torn_ = false;
};

// Ends this process as kill -9 does.
[[noreturn]] void die();

}  // namespace nexus::idempotency::test
