// SPDX-License-Identifier: MIT
#include "postgres/statements.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/time.hpp"
#include "postgres/schema_sql.hpp"
#include "stores/milliseconds.hpp"
#include "stores/table_name.hpp"

namespace nexus::idempotency::postgres {
namespace {

// What stands behind SELECT, for one row of one value.
struct CallText {
  const char* name;
  std::string_view prepared;
  std::string_view unprepared;
};

constexpr std::string_view find_text =
    "(SELECT r FROM nexus_idempotency AS r"
    " WHERE r.tenant = $1 AND r.operation = $2 AND r.client_key = $3)";
// As the function does, a claim looks first; in the statement itself that is cheaper, once it is
// prepared. LIMIT ends the statement at the first row: the function is called only if there was no
// record.
constexpr std::string_view look_or_claim_text =
    "r FROM nexus_idempotency AS r"
    " WHERE r.tenant = $1 AND r.operation = $2 AND r.client_key = $3"
    " UNION ALL SELECT"
    " nexus_idempotency_claim($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) LIMIT 1";
constexpr std::string_view claim_text =
    "nexus_idempotency_claim($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
constexpr std::string_view save_text =
    "nexus_idempotency_save($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
constexpr std::string_view purge_text = "nexus_idempotency_purge($1, $2)";

constexpr std::array<CallText, call_count> texts{{
    {"nexus_idempotency_find", find_text, find_text},
    {"nexus_idempotency_claim", look_or_claim_text, claim_text},
    {"nexus_idempotency_save", save_text, save_text},
    {"nexus_idempotency_purge", purge_text, purge_text},
}};

bool is_lower_case_name(std::string_view name) noexcept {
  return stores::is_plain_name(name) &&
         name.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string_view::npos;
}

// Returns: a number for the advisory lock, the same in every process and version (FNV-1a).
std::int64_t lock_number(std::string_view table) noexcept {
  std::uint64_t hash = 14695981039346656037U;
  for (const std::string_view part : {std::string_view("nexus_idempotency "), table}) {
    for (const char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  }
  return static_cast<std::int64_t>(hash);
}

}  // namespace

void check_table(std::string_view table) {
  const std::size_t dot = table.find('.');
  const bool right = dot == std::string_view::npos ? is_lower_case_name(table)
                                                   : is_lower_case_name(table.substr(0, dot)) &&
                                                         is_lower_case_name(table.substr(dot + 1));
  if (!right) {
    throw InvalidValueError(
        "PostgreSQL store: the table's name must be lower-case letters, digits and underscores, "
        "with at most one dot after a schema's name");
  }
}

Statements::Statements(const std::string& table) {
  check_table(table);
  // Behind a pooler that hands one session to several, a name must not stand for two tables.
  std::string suffix("_");
  suffix += std::to_string(static_cast<std::uint64_t>(lock_number(table)));
  const auto text = [&table](std::string_view sql) { return stores::for_table(sql, table); };
  for (std::size_t i = 0; i < call_count; ++i) {
    const CallText& call = texts[i];
    checked_[i] =
        "SELECT v.version, v.isolation, CASE WHEN v.version = " + std::to_string(schema_version) +
        " AND v.isolation = 'read committed' THEN " + text(call.unprepared) +
        " END FROM (SELECT (SELECT s.version FROM " + text("nexus_idempotency_schema") +
        " AS s) AS version, current_setting('transaction_isolation') AS isolation) AS v";
    names_[i] = call.name + suffix;
    prepare_ += "PREPARE " + names_[i] + " AS SELECT " + text(call.prepared) + ";";
  }
  read_version_ = "SELECT version FROM " + text("nexus_idempotency_schema");
  prepare_ += read_version_;
  look_ = "SELECT to_regclass('" + text("nexus_idempotency_schema") +
          "') IS NOT NULL, current_setting('transaction_isolation')";
  lock_ = "SELECT pg_advisory_xact_lock(" + std::to_string(lock_number(table)) + ")";
  create_ = text(schema_sql);
}

std::string session_settings(Duration statement_timeout, Duration lock_timeout) {
  // The last lines keep to the plans that are right for a table of any size: a plan made while it
  // was small would otherwise be kept while it grows.
  return "SET statement_timeout = " +
         std::to_string(stores::milliseconds_up(statement_timeout).count()) +
         ";SET lock_timeout = " + std::to_string(stores::milliseconds_up(lock_timeout).count()) +
         ";SET default_transaction_isolation = 'read committed'"
         ";SET plan_cache_mode = force_generic_plan"
         ";SET enable_seqscan = off"
         ";SET jit = off;";
}

}  // namespace nexus::idempotency::postgres
