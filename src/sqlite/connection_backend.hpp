// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_SQLITE_CONNECTION_BACKEND_HPP
#define NEXUS_IDEMPOTENCY_SQLITE_CONNECTION_BACKEND_HPP

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "sqlite/backend.hpp"
#include "sqlite/purge.hpp"
#include "sqlite/session.hpp"
#include "sqlite/texts.hpp"

namespace nexus::idempotency::sqlite {

// On a connection of the caller's.
class ConnectionBackend final : public Backend {
 public:
  ConnectionBackend(sqlite3* connection, std::string_view table)
      : texts_(table), session_(texts_, connection) {}

  void ensure_schema() override { session_.ensure_schema(); }

  std::optional<IdempotencyRecord> find(const IdempotencyKey& key) override {
    return session_.find(key);
  }

  ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    if (auto existing = session_.find(candidate.key)) return {std::move(existing)};
    return session_.write([&] { return session_.insert(candidate); });
  }

  bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override {
    return session_.write([&] { return session_.update(guard, next); });
  }

  std::size_t purge_expired(Timestamp before, std::size_t limit) override {
    const bool pause = !session_.in_callers_transaction();  // within it, nobody would get in
    return purge_in_batches(limit, pause, [&](std::size_t batch) {
      return session_.write([&] { return session_.purge(before, batch); });
    });
  }

 private:
  const Texts texts_;
  Session session_;
};

}  // namespace nexus::idempotency::sqlite

#endif  // NEXUS_IDEMPOTENCY_SQLITE_CONNECTION_BACKEND_HPP
