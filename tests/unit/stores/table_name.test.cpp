// SPDX-License-Identifier: MIT
#include "stores/table_name.hpp"

#include <string>

#include "support/catch.hpp"

using namespace nexus::idempotency;

TEST_CASE("table names: what is plain") {
  for (const char* name : {"t", "_", "_1", "T9_x", "nexus_idempotency"}) {
    CAPTURE(name);
    CHECK(stores::is_plain_name(name));
  }
  CHECK(stores::is_plain_name(std::string(stores::max_table_name, 'a')));
}

TEST_CASE("table names: what is not") {
  for (const char* name : {"",      "1",   "9t", "a b", " a", "a ",  "a.b", "a-b", "a;b",
                           "a'",    "a\"", "a`", "a]",  "a(", "a\n", "a$",  "a@",  "\xc3\xa9",
                           "a\xff", "[a",  "{a", "a{",  "a/", "a:",  "@a",  "`a"}) {
    CAPTURE(name);
    CHECK_FALSE(stores::is_plain_name(name));
  }
  CHECK_FALSE(stores::is_plain_name(std::string("a\0b", 3)));
  CHECK_FALSE(stores::is_plain_name(std::string(stores::max_table_name + 1, 'a')));
}

TEST_CASE("table names: put in every place of the default one") {
  using stores::for_table;
  CHECK(for_table("", "t").empty());
  CHECK(for_table("SELECT 1", "t") == "SELECT 1");
  CHECK(for_table("nexus_idempotency", "t") == "t");
  CHECK(for_table("INSERT INTO nexus_idempotency_schema; nexus_idempotency.x", "t") ==
        "INSERT INTO t_schema; t.x");
  CHECK(for_table("a nexus_idempotency b", "s.t") == "a s.t b");
  // A name that holds the default one is not replaced again.
  CHECK(for_table("nexus_idempotency nexus_idempotency", "my_nexus_idempotency") ==
        "my_nexus_idempotency my_nexus_idempotency");
}
