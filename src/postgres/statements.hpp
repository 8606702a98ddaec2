// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_POSTGRES_STATEMENTS_HPP
#define NEXUS_IDEMPOTENCY_POSTGRES_STATEMENTS_HPP

// The texts of all statements, for one table.

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "nexus/idempotency/time.hpp"

namespace nexus::idempotency::postgres {

enum class Call : std::size_t { find, claim, save, purge };
inline constexpr std::size_t call_count = 4;

// The version of schema.sql.
inline constexpr int schema_version = 1;

// Errors: InvalidValueError if `table` is neither a name nor two with a dot between them, in lower
// case; see PostgresStoreOptions.
void check_table(std::string_view table);

class Statements {
 public:
  // Errors: as check_table.
  explicit Statements(const std::string& table);

  // Each call as one expression in one row. Two texts:
  //
  // - prepare() prepares `outcome` under name().
  // - checked(): `version, isolation, outcome`. If the version is another, or the isolation isn't
  //   READ COMMITTED, nothing was done and the outcome is null: so no other round trip is needed to
  //   know these, and a transaction of the caller's isn't aborted.
  [[nodiscard]] const char* name(Call call) const noexcept {
    return names_[static_cast<std::size_t>(call)].c_str();
  }
  [[nodiscard]] const char* checked(Call call) const noexcept {
    return checked_[static_cast<std::size_t>(call)].c_str();
  }

  // A text that prepares the calls under their names; its last row is the version. If it fails,
  // some may have been prepared all the same: that isn't rolled back.
  [[nodiscard]] const std::string& prepare() const noexcept { return prepare_; }

  // For ensure_schema. look: whether there is a version to be read, and the isolation.
  [[nodiscard]] const std::string& look() const noexcept { return look_; }
  [[nodiscard]] const std::string& read_version() const noexcept { return read_version_; }
  [[nodiscard]] const std::string& lock() const noexcept { return lock_; }
  [[nodiscard]] const std::string& create() const noexcept { return create_; }

 private:
  std::array<std::string, call_count> names_;
  std::array<std::string, call_count> checked_;
  std::string prepare_;
  std::string look_;
  std::string read_version_;
  std::string lock_;
  std::string create_;
};

// Returns: what a session of the store's own is set to.
[[nodiscard]] std::string session_settings(Duration statement_timeout, Duration lock_timeout);

}  // namespace nexus::idempotency::postgres

#endif  // NEXUS_IDEMPOTENCY_POSTGRES_STATEMENTS_HPP
