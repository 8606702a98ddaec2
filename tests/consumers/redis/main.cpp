// SPDX-License-Identifier: MIT
// Exits with 0 if the component links, and a server that is not there is a typed error that names
// no password. What the store does on a server is tested elsewhere.
#include <nexus/idempotency.hpp>
#include <nexus/idempotency/redis/redis_store.hpp>
#include <string_view>

using namespace nexus::idempotency;

int main() {
  RedisStoreOptions options;
  options.unix_socket = "/nonexistent/redis";
  options.password = "secret";
  RedisIdempotencyStore store(options);
  try {
    (void)store.find({TenantId("tenant"), OperationRef("operation"), ClientKey("key")});
    return 1;
  } catch (const StoreError& error) {
    if (std::string_view(error.what()).find("secret") != std::string_view::npos) return 2;
    return error.code() == StoreErrc::unavailable ? 0 : 3;
  }
}
