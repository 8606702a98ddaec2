// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_STORES_TABLE_NAME_HPP
#define NEXUS_IDEMPOTENCY_STORES_TABLE_NAME_HPP

// The table's name is the one thing in a statement that can't be bound. It is checked instead, by
// rules under which no name needs quoting, and then put into texts written for the default name.

#include <cstddef>
#include <string>
#include <string_view>

namespace nexus::idempotency::stores {

// The name in the schema files and in the statements' texts.
inline constexpr std::string_view default_table = "nexus_idempotency";

// Room for the suffixes of what belongs to a table, within the 63 bytes of a PostgreSQL name.
inline constexpr std::size_t max_table_name = 48;

// Returns: whether `name` is a letter or underscore, then letters, digits and underscores, all
// ASCII, at most max_table_name bytes.
[[nodiscard]] constexpr bool is_plain_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > max_table_name) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!letter && (i == 0 || c < '0' || c > '9')) return false;
  }
  return true;
}

// Preconditions: `table` is plain, or two plain names with a dot between them.
// Returns: `sql` with `table` in every place of default_table.
[[nodiscard]] inline std::string for_table(std::string_view sql, std::string_view table) {
  std::string out;
  out.reserve(sql.size());
  for (;;) {
    const std::size_t at = sql.find(default_table);
    out += sql.substr(0, at);
    if (at == std::string_view::npos) return out;
    out += table;
    sql.remove_prefix(at + default_table.size());
  }
}

}  // namespace nexus::idempotency::stores

#endif  // NEXUS_IDEMPOTENCY_STORES_TABLE_NAME_HPP
