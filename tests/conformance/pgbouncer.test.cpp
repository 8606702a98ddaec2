// SPDX-License-Identifier: MIT
// The store in PostgreSQL behind PgBouncer in transaction mode, where two transactions of a client
// may come to different sessions of the server, and clients share those.
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/key.hpp"
#include "nexus/idempotency/postgres/postgres_store.hpp"
#include "nexus/idempotency/values.hpp"
#include "support/catch.hpp"
#include "support/conformance.hpp"
#include "support/postgres_fixture.hpp"
#include "support/postgres_server.hpp"
#include "support/store_error.hpp"

namespace {

using namespace nexus::idempotency;
using test::Sql;

std::string pgbouncer_conninfo() {
  const char* value = std::getenv("NEXUS_IDEMPOTENCY_PGBOUNCER");  // NOLINT(concurrency-mt-unsafe)
  if (value == nullptr) throw std::runtime_error("NEXUS_IDEMPOTENCY_PGBOUNCER is not set");
  return value;
}

}  // namespace

TEST_CASE("the PostgreSQL store conforms behind PgBouncer") {
  SECTION("unprepared") {
    test::PooledFixture fixture(pgbouncer_conninfo(), {.prepare = false});
    test::check_conformance(fixture);
  }
  SECTION("on the caller's connections") {
    test::BorrowedFixture fixture(pgbouncer_conninfo());
    test::check_conformance(fixture);
  }
}

TEST_CASE("behind PgBouncer a store that prepares meets what another has prepared") {
  const bool prepare = GENERATE(true, false);
  const std::string table = test::fresh_name();
  PostgresIdempotencyStore(test::postgres_conninfo(), {.table = table}).ensure_schema();
  const PostgresStoreOptions options{.table = table, .prepare = prepare};
  PostgresIdempotencyStore one(pgbouncer_conninfo(), options);
  PostgresIdempotencyStore other(pgbouncer_conninfo(), options);

  // PgBouncer has two sessions. One is taken, so both stores are served by the other.
  Sql sql(pgbouncer_conninfo());
  sql.run("BEGIN");
  const IdempotencyKey key{TenantId("t"), OperationRef("o"), ClientKey("k")};
  CHECK(!one.find(key));
  if (prepare) {
    CHECK(test::store_error([&] { (void)other.find(key); }) == StoreErrc::misconfigured);
  } else {
    CHECK(!other.find(key));
  }
}
