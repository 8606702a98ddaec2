// SPDX-License-Identifier: MIT
// A step here is a statement that begins, on whatever connection of this process.
#include <sqlite3.h>

#include "engines/ledger_worker.hpp"
#include "engines/sqlite_ledger.hpp"

namespace {

int on_statement(unsigned, void*, void*, void*) {
  nexus::idempotency::test::next_step();
  return 0;
}

extern "C" int on_open(sqlite3* connection, char**, const struct sqlite3_api_routines*) {
  return sqlite3_trace_v2(connection, SQLITE_TRACE_STMT, &on_statement, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  // Its parameter's type is what SQLite casts such functions to, and back.
  sqlite3_auto_extension(reinterpret_cast<void (*)()>(&on_open));
  return nexus::idempotency::test::work<nexus::idempotency::test::SqliteLedger>(argc, argv);
}
