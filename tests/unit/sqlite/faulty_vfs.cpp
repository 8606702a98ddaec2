// SPDX-License-Identifier: MIT
#include "unit/sqlite/faulty_vfs.hpp"

#include <stdexcept>

namespace nexus::idempotency::test {
namespace {

// A file: SQLite allocates it, with the real one behind it.
struct File {
  sqlite3_file base;
  FaultyVfs* vfs;
  bool log;
};

File& self(sqlite3_file* file) {
  return *reinterpret_cast<File*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<File*>(file) + 1);
}
const sqlite3_io_methods& methods(sqlite3_file* file) {
  return *real(file)->pMethods;
}
int fault(sqlite3_file* file, FileCall call) {
  return self(file).vfs->fault_of(call, self(file).log);
}

int read(sqlite3_file* f, void* out, int size, sqlite3_int64 at) {
  const int code = fault(f, FileCall::read);
  return code != SQLITE_OK ? code : methods(f).xRead(real(f), out, size, at);
}
int write(sqlite3_file* f, const void* in, int size, sqlite3_int64 at) {
  const int code = fault(f, FileCall::write);
  return code != SQLITE_OK ? code : methods(f).xWrite(real(f), in, size, at);
}
int sync(sqlite3_file* f, int flags) {
  const int code = fault(f, FileCall::sync);
  return code != SQLITE_OK ? code : methods(f).xSync(real(f), flags);
}

// Everything else is passed on.
int close(sqlite3_file* f) {
  return methods(f).xClose(real(f));
}
int truncate(sqlite3_file* f, sqlite3_int64 size) {
  return methods(f).xTruncate(real(f), size);
}
int file_size(sqlite3_file* f, sqlite3_int64* size) {
  return methods(f).xFileSize(real(f), size);
}
int lock(sqlite3_file* f, int level) {
  return methods(f).xLock(real(f), level);
}
int unlock(sqlite3_file* f, int level) {
  return methods(f).xUnlock(real(f), level);
}
int check_reserved_lock(sqlite3_file* f, int* out) {
  return methods(f).xCheckReservedLock(real(f), out);
}
int file_control(sqlite3_file* f, int op, void* arg) {
  return methods(f).xFileControl(real(f), op, arg);
}
int sector_size(sqlite3_file* f) {
  return methods(f).xSectorSize(real(f));
}
int device_characteristics(sqlite3_file* f) {
  return methods(f).xDeviceCharacteristics(real(f));
}
int shm_map(sqlite3_file* f, int page, int size, int extend, void volatile** out) {
  return methods(f).xShmMap(real(f), page, size, extend, out);
}
int shm_lock(sqlite3_file* f, int offset, int n, int flags) {
  return methods(f).xShmLock(real(f), offset, n, flags);
}
void shm_barrier(sqlite3_file* f) {
  methods(f).xShmBarrier(real(f));
}
int shm_unmap(sqlite3_file* f, int remove) {
  return methods(f).xShmUnmap(real(f), remove);
}

sqlite3_io_methods all_methods() {
  sqlite3_io_methods m{};
  m.iVersion = 2;  // with a shared memory, without mapped pages
  m.xClose = close;
  m.xRead = read;
  m.xWrite = write;
  m.xTruncate = truncate;
  m.xSync = sync;
  m.xFileSize = file_size;
  m.xLock = lock;
  m.xUnlock = unlock;
  m.xCheckReservedLock = check_reserved_lock;
  m.xFileControl = file_control;
  m.xSectorSize = sector_size;
  m.xDeviceCharacteristics = device_characteristics;
  m.xShmMap = shm_map;
  m.xShmLock = shm_lock;
  m.xShmBarrier = shm_barrier;
  m.xShmUnmap = shm_unmap;
  return m;
}
const sqlite3_io_methods file_methods = all_methods();

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  return static_cast<FaultyVfs*>(vfs->pAppData)->open(name, file, flags, out_flags);
}

}  // namespace

FaultyVfs::FaultyVfs() : real_(sqlite3_vfs_find(nullptr)) {
  vfs_ = *real_;  // its other functions don't look at the object that they are called with
  vfs_.pNext = nullptr;
  vfs_.zName = "faulty";
  vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
  vfs_.xOpen = open_file;
  // The real ones use pAppData only when they open files, and that goes to the real object.
  vfs_.pAppData = this;
  if (sqlite3_vfs_register(&vfs_, 1) != SQLITE_OK) throw std::runtime_error("no such VFS");
}

FaultyVfs::~FaultyVfs() {
  sqlite3_vfs_register(real_, 1);
  sqlite3_vfs_unregister(&vfs_);
}

int FaultyVfs::open(const char* name, sqlite3_file* file, int flags, int* out_flags) {
  self(file).base.pMethods = nullptr;
  if (refuse_) return SQLITE_CANTOPEN;
  if (read_only_ && (flags & SQLITE_OPEN_MAIN_DB) != 0) {
    flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
  }
  const int code = real_->xOpen(real_, name, real(file), flags, out_flags);
  if (code == SQLITE_OK) {
    self(file).base.pMethods = &file_methods;
    self(file).vfs = this;
    self(file).log = (flags & SQLITE_OPEN_WAL) != 0;
  }
  return code;
}

void FaultyVfs::fail(FileCall call, int n, int code, bool from_then_on) {
  kind_ = call;
  code_ = code;
  from_then_on_ = from_then_on;
  failed_ = false;
  left_ = n;
}

void FaultyVfs::heal() {
  left_ = 0;
}

void FaultyVfs::reset_counts() {
  log_syncs_ = 0;
  log_writes_ = 0;
}

int FaultyVfs::fault_of(FileCall call, bool log) {
  if (log && call == FileCall::sync) ++log_syncs_;
  if (log && call == FileCall::write) ++log_writes_;
  if (left_ == 0 || call != kind_) return SQLITE_OK;
  if (left_ > 1) {
    --left_;
    return SQLITE_OK;
  }
  if (!from_then_on_) left_ = 0;
  failed_ = true;
  return code_;
}

}  // namespace nexus::idempotency::test
