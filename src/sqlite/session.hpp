// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_SQLITE_SESSION_HPP
#define NEXUS_IDEMPOTENCY_SQLITE_SESSION_HPP

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "sqlite/connection.hpp"
#include "sqlite/statement.hpp"
#include "sqlite/texts.hpp"

namespace nexus::idempotency::sqlite {

// A connection with the store's statements, for one call at a time. What the calls do and how they
// fail is the same on a connection of the store's own and on a caller's.
//
// Each call is one transaction: the caller's, if its connection is in one; else its own, which is
// rolled back by any error. After an error that leaves the connection's state open to doubt, the
// next call starts anew: with a new connection if it is the store's own.
// Lifetimes: texts and place, and a caller's connection, outlive it.
class Session {
 public:
  // On a connection of its own, which the first call opens.
  Session(const Texts& texts, const Place& place) noexcept : texts_(texts), place_(&place) {}
  // On a caller's.
  Session(const Texts& texts, sqlite3* connection) noexcept : texts_(texts), used_(connection) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Returns: true; a session whose connection failed opens another one by itself.
  [[nodiscard]] bool is_alive() const noexcept { return true; }

  // Effects: until changed, calls wait for locks as long as `patience` lasts. For an own one.
  void wait_with(Patience* patience) noexcept { patience_ = patience; }

  // Effects: opens the own connection, as a constructor does.
  void open_first() { open_own(Step::first_open); }

  void ensure_schema();
  [[nodiscard]] std::optional<IdempotencyRecord> find(const IdempotencyKey& key);

  // Effects: calls `work()`, which may call the three below, in one transaction: the caller's if
  // its connection is in one, else one of its own.
  // Returns: what `work` returns. Errors: of `work`, which roll back a transaction of its own;
  // StoreErrc::in_doubt if that could not be committed.
  template <class Work>
  auto write(Work work) {
    return call([&] { return in_transaction(work); });
  }

  // Effects: as claim_pending.
  [[nodiscard]] ClaimPendingResult insert(const IdempotencyRecord& candidate);
  // Effects: as save_if.
  [[nodiscard]] bool update(const WriteGuard& guard, const IdempotencyRecord& next);
  // Effects: as purge_expired, for at most purge_batch records.
  [[nodiscard]] std::size_t purge(Timestamp before, std::size_t limit);

  // Returns: whether calls now are part of the caller's transaction.
  [[nodiscard]] bool in_callers_transaction() const noexcept;

 private:
  template <class Work>
  auto guarded(Work work);
  template <class Work>
  auto call(Work work);
  template <class Work>
  auto in_transaction(Work work);

  void open_own(Step step);
  void start_anew() noexcept;
  [[nodiscard]] const Statement& statement(Query query);
  void run(Query query);
  void commit();
  void roll_back() noexcept;
  void require_version();
  [[nodiscard]] bool schema_is_there();
  void make_schema_within();
  void execute(const std::string& sql);
  [[nodiscard]] std::optional<IdempotencyRecord> select(const IdempotencyKey& key);
  [[nodiscard]] std::size_t changed_by(Execution& execution);

  const Texts& texts_;
  const Place* place_ = nullptr;  // of the own connection
  Patience* patience_ = nullptr;
  Connection own_;
  sqlite3* used_ = nullptr;                        // the own one or the caller's
  std::array<Statement, query_count> statements_;  // made when first used
  bool version_checked_ = false;
};

// Effects: as long as it lives, calls of the session wait for locks as `patience` says.
class Waiting {
 public:
  Waiting(Session& session, Patience& patience) noexcept : session_(session) {
    session_.wait_with(&patience);
  }
  ~Waiting() { session_.wait_with(nullptr); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  Session& session_;
};

// Effects: does `work` on a connection that is open.
template <class Work>
auto Session::guarded(Work work) {
  try {
    if (used_ == nullptr) open_own(Step::statement);
    return work();
  } catch (const StoreError& error) {
    // These leave the connection as it was.
    if (error.code() != StoreErrc::contended && error.code() != StoreErrc::exhausted) start_anew();
    throw;
  } catch (...) {
    start_anew();
    throw;
  }
}

// Effects: does `work` on a connection that is open and has the right table.
template <class Work>
auto Session::call(Work work) {
  return guarded([&] {
    if (!version_checked_) {
      require_version();
      version_checked_ = true;
    }
    return work();
  });
}

// Effects: does `work` in one transaction.
template <class Work>
auto Session::in_transaction(Work work) {
  if (in_callers_transaction()) return work();
  run(Query::begin);
  try {
    auto result = work();
    commit();
    return result;
  } catch (...) {
    roll_back();
    throw;
  }
}

}  // namespace nexus::idempotency::sqlite

#endif  // NEXUS_IDEMPOTENCY_SQLITE_SESSION_HPP
