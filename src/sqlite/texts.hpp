// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_SQLITE_TEXTS_HPP
#define NEXUS_IDEMPOTENCY_SQLITE_TEXTS_HPP

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace nexus::idempotency::sqlite {

enum class Query : unsigned char {
  begin,
  commit,
  roll_back,
  tables,   // which of the two tables there are
  version,  // of the table, as it says itself
  select,
  insert,
  update,
  purge,   // those that lapsed first, except for some of several with one deadline
  lapsed,  // the rows of those that lapsed first
  remove,  // a row
};
inline constexpr std::size_t query_count = 11;

// What schema.sql makes.
inline constexpr int schema_version = 1;

// Every statement of a store, for its table.
class Texts {
 public:
  // Errors: InvalidValueError if `table` is no name, as sqlite_store.hpp has it.
  explicit Texts(std::string_view table);

  [[nodiscard]] const std::string& operator[](Query query) const noexcept {
    return queries_[static_cast<std::size_t>(query)];
  }
  // schema.sql
  [[nodiscard]] const std::string& schema() const noexcept { return schema_; }

 private:
  std::array<std::string, query_count> queries_;
  std::string schema_;
};

}  // namespace nexus::idempotency::sqlite

#endif  // NEXUS_IDEMPOTENCY_SQLITE_TEXTS_HPP
