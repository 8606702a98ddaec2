// SPDX-License-Identifier: MIT
// Exits with 0 if a command executes once, its result is replayed after the store was opened again,
// and an error of the store that a shared library made is caught by its type here.
#include <filesystem>
#include <memory>
#include <nexus/idempotency.hpp>
#include <nexus/idempotency/sqlite/sqlite_store.hpp>
#include <string>
#include <variant>

using namespace nexus::idempotency;

std::unique_ptr<IdempotencyStore> open_store(const std::filesystem::path& file);

int main() {
  const std::filesystem::path file = "consumer.db";
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(file.string() + suffix);
  SystemClock clock;
  const IdempotencyKey key{TenantId("acme"), OperationRef("charge"), ClientKey("1")};
  const auto charge = [&](IdempotencyStore& store) {
    IdempotencyService service(store, clock);
    return execute(service, key, RequestFingerprint("f"),
                   [](const Attempt&) { return std::string("42"); });
  };

  if (!std::holds_alternative<Executed>(charge(*open_store(file)))) return 1;
  SqliteIdempotencyStore again(file);
  const ExecuteOutcome second = charge(again);
  const auto* replayed = std::get_if<Replay>(&second);
  if (replayed == nullptr || replayed->result.payload() != "42") return 2;

  try {
    static_cast<void>(open_store("no/such/directory/consumer.db"));
    return 3;
  } catch (const StoreError& error) {
    return error.code() == StoreErrc::misconfigured ? 0 : 4;
  }
}
