// SPDX-License-Identifier: MIT
#include "benchmarks/durable/counted_syncs.hpp"

#include <sqlite3.h>

#include <atomic>
#include <cstdint>
#include <stdexcept>

namespace nexus::idempotency::benchmarks {
namespace {

std::atomic<std::uint64_t> log_syncs{0};
std::atomic<std::uint64_t> database_syncs{0};

// The VFS before ours makes its file at the address that SQLite gives us, as if we weren't there;
// we only put our own table of methods in the place of its, and find its by the kind of file.
const sqlite3_io_methods* log_methods = nullptr;
const sqlite3_io_methods* database_methods = nullptr;
sqlite3_io_methods counted_log_methods;
sqlite3_io_methods counted_database_methods;

int sync_log(sqlite3_file* file, int flags) {
  ++log_syncs;
  return log_methods->xSync(file, flags);
}

int sync_database(sqlite3_file* file, int flags) {
  ++database_syncs;
  return database_methods->xSync(file, flags);
}

// Files of one kind have the same methods, except for databases, which have others where there is
// no locking; the first table counts then, and another is left as it is.
void count_calls(sqlite3_file* file, const sqlite3_io_methods*& original,
                 sqlite3_io_methods& counted, int (*sync)(sqlite3_file*, int)) {
  if (original == nullptr) {
    counted = *file->pMethods;
    counted.xSync = sync;
    original = file->pMethods;
  }
  if (file->pMethods == original) file->pMethods = &counted;
}

sqlite3_vfs* real_vfs = nullptr;

int open_counted(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  const int code = real_vfs->xOpen(real_vfs, name, file, flags, out_flags);
  if (code != SQLITE_OK || file->pMethods == nullptr) return code;
  if ((flags & SQLITE_OPEN_WAL) != 0) {
    count_calls(file, log_methods, counted_log_methods, &sync_log);
  } else if ((flags & SQLITE_OPEN_MAIN_DB) != 0) {
    count_calls(file, database_methods, counted_database_methods, &sync_database);
  }
  return code;
}

}  // namespace

void count_syncs() {
  real_vfs = sqlite3_vfs_find(nullptr);
  if (real_vfs == nullptr) throw std::runtime_error("SQLite has no VFS");
  static sqlite3_vfs counting = *real_vfs;
  counting.zName = "counting";
  counting.xOpen = &open_counted;
  if (sqlite3_vfs_register(&counting, 1) != SQLITE_OK) {
    throw std::runtime_error("SQLite refuses the VFS");
  }
}

SyncCount sync_count() noexcept {
  return {log_syncs.load(), database_syncs.load()};
}

}  // namespace nexus::idempotency::benchmarks
