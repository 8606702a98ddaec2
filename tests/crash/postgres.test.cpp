// SPDX-License-Identifier: MIT
// Many processes over one PostgreSQL server, and SIGKILL for them at random moments. See load.hpp
// for what it shows. The server's own crashes are in postgres_server.test.cpp.
#include <chrono>

#include "crash/load.hpp"
#include "support/catch.hpp"
#include "support/postgres_server.hpp"

using namespace nexus::idempotency::test;

TEST_CASE("8 processes over one PostgreSQL server execute each of 1,000 commands once a lease") {
  const Stage stage("postgres_processes");
  many_processes(stage, "postgres", make_database());
}

TEST_CASE("processes that work on a PostgreSQL server may be killed at any moment") {
  const Stage stage("postgres_kills");
  many_kills(stage, "postgres", make_database(), 1000, std::chrono::milliseconds(12));
}
