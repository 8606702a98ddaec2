// SPDX-License-Identifier: MIT
#include "crash/killing_vfs.hpp"

#include <signal.h>
#include <unistd.h>

#include <stdexcept>

namespace nexus::idempotency::test {
namespace {

// A file: SQLite allocates it, with the real one behind it.
struct File {
  sqlite3_file base;
  KillingVfs* vfs;
};

sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<File*>(file) + 1);
}
const sqlite3_io_methods& methods(sqlite3_file* file) {
  return *real(file)->pMethods;
}
// Returns: whether a write is to be torn.
bool count(sqlite3_file* file, bool write = false) {
  return reinterpret_cast<File*>(file)->vfs->count(write);
}

sqlite3_io_methods all_methods() {
  sqlite3_io_methods m{};
  m.iVersion = 2;  // with a shared memory, without mapped pages
  m.xWrite = [](sqlite3_file* f, const void* in, int size, sqlite3_int64 at) {
    if (count(f, true)) {
      methods(f).xWrite(real(f), in, size / 2, at);
      die();
    }
    return methods(f).xWrite(real(f), in, size, at);
  };
  m.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
    count(f);
    return methods(f).xTruncate(real(f), size);
  };
  m.xSync = [](sqlite3_file* f, int flags) {
    count(f);
    return methods(f).xSync(real(f), flags);
  };
  m.xLock = [](sqlite3_file* f, int level) {
    count(f);
    return methods(f).xLock(real(f), level);
  };
  m.xUnlock = [](sqlite3_file* f, int level) {
    count(f);
    return methods(f).xUnlock(real(f), level);
  };
  m.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
    count(f);
    return methods(f).xShmMap(real(f), page, size, extend, out);
  };
  m.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) {
    count(f);
    return methods(f).xShmLock(real(f), offset, n, flags);
  };
  m.xShmBarrier = [](sqlite3_file* f) {
    count(f);
    methods(f).xShmBarrier(real(f));
  };
  m.xShmUnmap = [](sqlite3_file* f, int remove) {
    count(f);
    return methods(f).xShmUnmap(real(f), remove);
  };
  // What nobody else can see.
  m.xClose = [](sqlite3_file* f) { return methods(f).xClose(real(f)); };
  m.xRead = [](sqlite3_file* f, void* out, int size, sqlite3_int64 at) {
    return methods(f).xRead(real(f), out, size, at);
  };
  m.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
    return methods(f).xFileSize(real(f), size);
  };
  m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
    return methods(f).xCheckReservedLock(real(f), out);
  };
  m.xFileControl = [](sqlite3_file* f, int op, void* argument) {
    return methods(f).xFileControl(real(f), op, argument);
  };
  m.xSectorSize = [](sqlite3_file* f) { return methods(f).xSectorSize(real(f)); };
  m.xDeviceCharacteristics = [](sqlite3_file* f) {
    return methods(f).xDeviceCharacteristics(real(f));
  };
  return m;
}

const sqlite3_io_methods file_methods = all_methods();

}  // namespace

void die() {
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

KillingVfs::KillingVfs() : real_(sqlite3_vfs_find(nullptr)) {
  vfs_ = *real_;  // its other functions don't look at the object that they are called with
  vfs_.pNext = nullptr;
  vfs_.zName = "killing";
  vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
  vfs_.pAppData = this;
  vfs_.xOpen = [](sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
    return static_cast<KillingVfs*>(vfs->pAppData)->open(name, file, flags, out);
  };
  vfs_.xDelete = [](sqlite3_vfs* vfs, const char* name, int sync_directory) {
    return static_cast<KillingVfs*>(vfs->pAppData)->remove(name, sync_directory);
  };
  if (sqlite3_vfs_register(&vfs_, 1) != SQLITE_OK) throw std::runtime_error("no such VFS");
}

KillingVfs::~KillingVfs() {
  sqlite3_vfs_register(real_, 1);
  sqlite3_vfs_unregister(&vfs_);
}

void KillingVfs::arm(int n, bool torn) {
  left_ = n;
  torn_ = torn;
}

bool KillingVfs::count(bool write) {
  if (left_ == 0 || (torn_ && !write) || --left_ > 0) return false;
  if (torn_) return true;
  die();
}

int KillingVfs::open(const char* name, sqlite3_file* file, int flags, int* out_flags) {
  count();
  file->pMethods = nullptr;
  const int code = real_->xOpen(real_, name, real(file), flags, out_flags);
  if (code == SQLITE_OK) {
    file->pMethods = &file_methods;
    reinterpret_cast<File*>(file)->vfs = this;
  }
  return code;
}

int KillingVfs::remove(const char* name, int sync_directory) {
  count();
  return real_->xDelete(real_, name, sync_directory);
}

}  // namespace nexus::idempotency::test
