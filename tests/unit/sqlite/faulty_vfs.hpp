// SPDX-License-Identifier: MIT
// SQLite's way to the disk, with a counter and a fault on demand.
#pragma once

#include <sqlite3.h>

#include <atomic>

namespace nexus::idempotency::test {

enum class FileCall { read, write, sync };

// While it lives, all connections that are opened go through it. One at a time.
class FaultyVfs {
 public:
  FaultyVfs();
  ~FaultyVfs();
  FaultyVfs(const FaultyVfs&) = delete;
  FaultyVfs& operator=(const FaultyVfs&) = delete;

  // Effects: the n-th call of this kind from now on, on any file, returns `code` and does nothing;
  // with `from_then_on` so do all later ones.
  void fail(FileCall call, int n, int code, bool from_then_on = false);
  // Effects: no more faults.
  void heal();
  // Returns: whether a fault has been returned since fail().
  [[nodiscard]] bool failed() const { return failed_; }

  // Effects: files can be opened for reading only, as if they were write-protected.
  void open_read_only(bool yes) { read_only_ = yes; }
  // Effects: no file can be opened.
  void refuse_to_open(bool yes) { refuse_ = yes; }

  // Syncs of logs (the -wal files) since the last reset.
  [[nodiscard]] int log_syncs() const { return log_syncs_; }
  [[nodiscard]] int log_writes() const { return log_writes_; }
  void reset_counts();

  // For the file methods: what to return in place of doing it; SQLITE_OK: do it.
  int fault_of(FileCall call, bool log);
  int open(const char* name, sqlite3_file* file, int flags, int* out_flags);

 private:
  sqlite3_vfs* const real_;
  sqlite3_vfs vfs_{};
  std::atomic<int> log_syncs_{0};
  std::atomic<int> log_writes_{0};
  std::atomic<int> left_{0};  // calls until the fault; 0: no fault
  std::atomic<FileCall> kind_{FileCall::read};
  std::atomic<int> code_{SQLITE_OK};
  std::atomic<bool> from_then_on_{false};
  std::atomic<bool> failed_{false};
  std::atomic<bool> read_only_{false};
  std::atomic<bool> refuse_{false};
};

}  // namespace nexus::idempotency::test
