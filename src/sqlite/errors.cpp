// SPDX-License-Identifier: MIT
#include "sqlite/errors.hpp"

#include <sqlite3.h>

#include <new>
#include <string>
#include <string_view>

namespace nexus::idempotency::sqlite {
namespace {

struct Named {
  int code;
  std::string_view name;
};

// Those that a store's statements can end with.
#define NEXUS_IDEMPOTENCY_NAMED(code) \
  { code, #code }
constexpr Named names[] = {
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_ERROR),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_INTERNAL),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_PERM),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_ABORT),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_ABORT_ROLLBACK),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_BUSY),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_BUSY_RECOVERY),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_BUSY_SNAPSHOT),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_BUSY_TIMEOUT),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_LOCKED),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_LOCKED_SHAREDCACHE),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_NOMEM),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_READONLY),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_READONLY_CANTINIT),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_READONLY_CANTLOCK),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_READONLY_DBMOVED),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_READONLY_DIRECTORY),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_READONLY_RECOVERY),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_READONLY_ROLLBACK),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_INTERRUPT),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_ACCESS),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_CLOSE),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_CORRUPTFS),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_DATA),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_DELETE),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_DELETE_NOENT),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_DIR_FSYNC),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_FSTAT),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_FSYNC),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_LOCK),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_NOMEM),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_RDLOCK),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_READ),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_SEEK),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_SHMLOCK),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_SHMMAP),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_SHMOPEN),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_SHMSIZE),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_SHORT_READ),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_TRUNCATE),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_UNLOCK),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_VNODE),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_IOERR_WRITE),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_CORRUPT),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_CORRUPT_INDEX),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_FULL),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_CANTOPEN),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_CANTOPEN_FULLPATH),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_CANTOPEN_ISDIR),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_CANTOPEN_NOTEMPDIR),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_CANTOPEN_SYMLINK),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_PROTOCOL),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_SCHEMA),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_TOOBIG),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_CONSTRAINT),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_CONSTRAINT_CHECK),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_CONSTRAINT_TRIGGER),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_MISMATCH),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_MISUSE),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_NOLFS),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_AUTH),
    NEXUS_IDEMPOTENCY_NAMED(SQLITE_NOTADB),
};
#undef NEXUS_IDEMPOTENCY_NAMED

constexpr int primary(int extended_code) noexcept {
  return extended_code & 0xff;
}

constexpr const char* explanation(StoreErrc code) noexcept {
  switch (code) {
    case StoreErrc::contended:
      return "the SQLite database is busy";
    case StoreErrc::exhausted:
      return "the SQLite database or its disk is full";
    case StoreErrc::unavailable:
      return "SQLite could not read, write or open a file";
    case StoreErrc::in_doubt:
      return "SQLite could not commit; the change may come back after a crash";
    case StoreErrc::corrupt:
      return "the SQLite file is damaged, or is none";
    case StoreErrc::misconfigured:
      return "SQLite refused a statement of the store: is its table there? see ensure_schema()";
  }
  return "";
}

const char* refusal(int code, Step step) noexcept {
  if (code == SQLITE_READONLY) return "the SQLite database is read-only";
  if (step == Step::first_open) return "the SQLite file can't be opened";
  return explanation(StoreErrc::misconfigured);
}

}  // namespace

std::string result_name(int extended_code) {
  for (const Named& named : names) {
    if (named.code == extended_code) return std::string(named.name);
  }
  return std::to_string(extended_code);
}

StoreErrc meaning(int extended_code, Step step) noexcept {
  switch (primary(extended_code)) {
    // Those two are certain to have undone the commit: no lock, or no room for its last page.
    case SQLITE_BUSY:
      return StoreErrc::contended;
    case SQLITE_FULL:
      return StoreErrc::exhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return StoreErrc::corrupt;
    default:
      break;
  }
  if (step == Step::commit) return StoreErrc::in_doubt;
  switch (primary(extended_code)) {
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:  // too many others were at the log's locks
    case SQLITE_SCHEMA:    // too many others were at the schema
      return StoreErrc::contended;
    case SQLITE_IOERR:
    case SQLITE_INTERRUPT:  // sqlite3_interrupt on a connection of the caller's
      return StoreErrc::unavailable;
    case SQLITE_CANTOPEN:
      return step == Step::first_open ? StoreErrc::misconfigured : StoreErrc::unavailable;
    default:
      return StoreErrc::misconfigured;
  }
}

void raise(int extended_code, Step step) {
  const bool no_memory =
      primary(extended_code) == SQLITE_NOMEM || extended_code == SQLITE_IOERR_NOMEM;
  if (no_memory && step != Step::commit) throw std::bad_alloc();
  const StoreErrc code = meaning(extended_code, step);
  // SQLite's own message is not passed on: it may quote a value or a path.
  throw StoreError(
      code,
      code == StoreErrc::misconfigured ? refusal(primary(extended_code), step) : explanation(code),
      result_name(extended_code));
}

}  // namespace nexus::idempotency::sqlite
