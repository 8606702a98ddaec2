// SPDX-License-Identifier: MIT
// Exits with 0 if the component links, and a server that is not there is a typed error that names
// no password. What the store does on a server is tested elsewhere.
#include <nexus/idempotency.hpp>
#include <nexus/idempotency/postgres/postgres_store.hpp>
#include <string_view>

using namespace nexus::idempotency;

int main() {
  PostgresIdempotencyStore store("host=/nonexistent dbname=none user=nobody password=secret");
  try {
    store.ensure_schema();
    return 1;
  } catch (const StoreError& error) {
    if (std::string_view(error.what()).find("secret") != std::string_view::npos) return 2;
    return error.code() == StoreErrc::unavailable ? 0 : 3;
  }
}
