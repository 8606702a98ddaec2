// SPDX-License-Identifier: MIT
#include "postgres/faults.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "nexus/idempotency/errors.hpp"

namespace nexus::idempotency::postgres {
namespace {

struct Meaning {
  std::string_view prefix;  // of the SQLSTATE
  StoreErrc code;
  const char* text;
};

// The first that fits.
constexpr Meaning meanings[] = {
    {"55P03", StoreErrc::contended, "another transaction held a lock for too long"},
    {"57014", StoreErrc::contended, "the statement took too long, or was cancelled"},
    {"40", StoreErrc::contended, "other transactions got in the way"},
    {"25P02", StoreErrc::contended, "the transaction is aborted"},
    {"53300", StoreErrc::exhausted, "the server has too many connections"},
    {"53", StoreErrc::exhausted, "the server is out of memory, disk or another resource"},
    {"25006", StoreErrc::unavailable, "the server, or this session, only reads"},
    {"57P04", StoreErrc::misconfigured, "the database was dropped"},
    {"57", StoreErrc::unavailable, "the server is starting or stopping, or ended the session"},
    {"58030", StoreErrc::unavailable, "the server could not read or write a file"},
    {"08", StoreErrc::unavailable, "the connection failed"},
    {"XX", StoreErrc::corrupt, "the server reports an internal error or damaged data"},
    {"42501", StoreErrc::misconfigured, "permission denied"},
    {"28", StoreErrc::misconfigured, "the server does not admit this user or password"},
    {"3D000", StoreErrc::misconfigured, "no such database"},
    {"3F000", StoreErrc::misconfigured, "no such schema"},
    {"42P01", StoreErrc::misconfigured, "the table does not exist; see ensure_schema"},
    {"42P07", StoreErrc::misconfigured, "there is a table of this name without a version"},
    {"42883", StoreErrc::misconfigured, "the table's functions do not exist; see ensure_schema"},
    {"42P05", StoreErrc::misconfigured, "the session is shared; behind a pooler don't prepare"},
    {"26000", StoreErrc::misconfigured, "the session is shared; behind a pooler don't prepare"},
    {"", StoreErrc::misconfigured, "the server refused the statement"},
};

const Meaning& meaning_of(std::string_view sqlstate) {
  return *std::find_if(std::begin(meanings), std::end(meanings), [&](const Meaning& meaning) {
    return sqlstate.substr(0, meaning.prefix.size()) == meaning.prefix;
  });
}

std::string_view field(const PGresult* result, int code) {
  const char* value = PQresultErrorField(result, code);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace

Fault fault_of(const PGresult* result) {
  const std::string_view sqlstate = field(result, PG_DIAG_SQLSTATE);
  const std::string_view severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  // FATAL ends the session. It comes at any moment, also after a commit and before its answer.
  return {std::string(sqlstate), sqlstate.empty() || severity == "FATAL" || severity == "PANIC"};
}

std::string sqlstate_in(std::string_view message) {
  constexpr std::size_t length = 5;
  constexpr std::string_view before = ":  ";
  message = message.substr(0, message.find_last_not_of(" \n") + 1);
  if (message.size() < before.size() + length) return {};
  const std::string_view end = message.substr(message.size() - length);
  message.remove_suffix(length);
  const bool is_one =
      message.substr(message.size() - before.size()) == before &&
      end.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string_view::npos;
  return std::string(is_one ? end : std::string_view());
}

bool is_collision(const Fault& fault) noexcept {
  return !fault.lost && (fault.sqlstate == "40001" || fault.sqlstate == "40P01");
}

bool is_stale(const Fault& fault) noexcept {
  return !fault.lost && (fault.sqlstate == "26000" || fault.sqlstate == "0A000");
}

bool is_read_only(const Fault& fault) noexcept {
  return !fault.lost && fault.sqlstate == "25006";
}

StoreError statement_error(const Fault& fault, Effect effect) {
  if (fault.lost) {
    if (effect == Effect::none) {
      return {StoreErrc::unavailable, "the connection was lost", fault.sqlstate};
    }
    return {StoreErrc::in_doubt, "the connection was lost before the answer came", fault.sqlstate};
  }
  const Meaning& meaning = meaning_of(fault.sqlstate);
  return {meaning.code, meaning.text, fault.sqlstate};
}

StoreError connect_error(const std::string& sqlstate, bool password_needed) {
  if (password_needed) {
    return {StoreErrc::misconfigured, "the server asks for a password and there is none", sqlstate};
  }
  if (sqlstate.empty()) return {StoreErrc::unavailable, "no connection to the server"};
  const Meaning& meaning = meaning_of(sqlstate);
  return {meaning.code, meaning.text, sqlstate};
}

StoreError other_version() {
  return {StoreErrc::misconfigured, "the table is of another version"};
}

StoreError not_read_committed() {
  return {StoreErrc::misconfigured, "the transaction is not READ COMMITTED"};
}

}  // namespace nexus::idempotency::postgres
