// SPDX-License-Identifier: MIT
// Many processes over one SQLite file, and SIGKILL at random moments. See load.hpp for what it
// shows. Where exactly a writer can die is gone through one by one in sqlite_points.test.cpp.
#include <chrono>
#include <string>

#include "crash/load.hpp"
#include "support/catch.hpp"

using namespace nexus::idempotency::test;

namespace {

std::string file_of(const Stage& stage) {
  return (stage.scratch.path() / "store.db").string();
}

}  // namespace

TEST_CASE("8 processes over one SQLite file execute each of 1,000 commands once a lease") {
  const Stage stage("sqlite_processes");
  many_processes(stage, "sqlite", file_of(stage));
}

TEST_CASE("processes that work on an SQLite file may be killed at any moment") {
  const Stage stage("sqlite_kills");
  many_kills(stage, "sqlite", file_of(stage), 2000, std::chrono::milliseconds(6));
}
