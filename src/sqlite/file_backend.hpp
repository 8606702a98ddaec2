// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_SQLITE_FILE_BACKEND_HPP
#define NEXUS_IDEMPOTENCY_SQLITE_FILE_BACKEND_HPP

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/sqlite/sqlite_store.hpp"
#include "sqlite/backend.hpp"
#include "sqlite/connection.hpp"
#include "sqlite/patience.hpp"
#include "sqlite/purge.hpp"
#include "sqlite/session.hpp"
#include "sqlite/texts.hpp"
#include "sqlite/write_queue.hpp"
#include "stores/milliseconds.hpp"
#include "stores/pool.hpp"

namespace nexus::idempotency::sqlite {

// On a file: one connection for writing, which callers take in turns, and some for reading.
// SQLite has one write lock a file, so more connections for writing would only wait in its queue,
// which is none: the waiting sleep and look again.
class FileBackend final : public Backend {
 public:
  FileBackend(const std::filesystem::path& file, const SqliteStoreOptions& options)
      : texts_(options.table),
        busy_timeout_(positive(options.busy_timeout)),
        place_(place_of(file, options.synchronous)),
        writer_(texts_, place_),
        writes_(writer_),
        readers_(at_least_one(options.max_readers), stores::milliseconds_up(busy_timeout_),
                 [this] { return std::make_unique<Session>(texts_, place_); }) {
    Patience patience(busy_timeout_);
    const Waiting waiting(writer_, patience);
    writer_.open_first();
  }

  void ensure_schema() override {
    Patience patience(busy_timeout_);
    writes_.alone(patience, [](Session& session) { session.ensure_schema(); });
  }

  std::optional<IdempotencyRecord> find(const IdempotencyKey& key) override {
    Patience patience(busy_timeout_);
    return find(patience, key);
  }

  ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    Patience patience(busy_timeout_);
    ClaimPendingResult claim{find(patience, candidate.key)};
    if (!claim.existing) {
      claim = writes_.write(patience, [&](Session& session) { return session.insert(candidate); });
    }
    return claim;
  }

  bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override {
    Patience patience(busy_timeout_);
    return writes_.write(patience, [&](Session& session) { return session.update(guard, next); });
  }

  std::size_t purge_expired(Timestamp before, std::size_t limit) override {
    return purge_in_batches(limit, true, [&](std::size_t batch) {
      Patience patience(busy_timeout_);
      return writes_.write(patience,
                           [&](Session& session) { return session.purge(before, batch); });
    });
  }

 private:
  using Readers = stores::Pool<Session>;

  static Duration positive(Duration timeout) {
    if (timeout > Duration::zero()) return timeout;
    throw InvalidValueError("SqliteStoreOptions::busy_timeout must be more than zero");
  }

  static std::size_t at_least_one(std::size_t readers) {
    if (readers > 0) return readers;
    throw InvalidValueError("SqliteStoreOptions::max_readers must be at least one");
  }

  std::optional<IdempotencyRecord> find(Patience& patience, const IdempotencyKey& key) {
    Readers::Lease lease = readers_.take();
    const Waiting waiting(lease.connection(), patience);
    return lease.connection().find(key);
  }

  const Texts texts_;
  const Duration busy_timeout_;
  const Place place_;
  Session writer_;
  WriteQueue writes_;  // on writer_
  Readers readers_;
};

}  // namespace nexus::idempotency::sqlite

#endif  // NEXUS_IDEMPOTENCY_SQLITE_FILE_BACKEND_HPP
