// SPDX-License-Identifier: MIT
// The files that make the PostgreSQL store's tables, for those who run them by hand.
#pragma once

#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace nexus::idempotency::test {

// Returns: the text of a file in src/postgres with another table's name in it, as sed would put it.
inline std::string schema_for(const std::string& file, std::string_view table) {
  std::ifstream in(NEXUS_IDEMPOTENCY_SCHEMAS "/" + file);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  constexpr std::string_view default_name = "nexus_idempotency";
  for (std::size_t at = 0; (at = text.find(default_name, at)) != std::string::npos;) {
    text.replace(at, default_name.size(), table);
    at += table.size();
  }
  return text;
}

}  // namespace nexus::idempotency::test
