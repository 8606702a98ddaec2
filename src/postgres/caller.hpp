// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_POSTGRES_CALLER_HPP
#define NEXUS_IDEMPOTENCY_POSTGRES_CALLER_HPP

// Who executes the calls: on a pool, or on a connection of the user's.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "nexus/idempotency/postgres/postgres_store.hpp"
#include "postgres/faults.hpp"
#include "postgres/libpq.hpp"
#include "postgres/parameters.hpp"
#include "postgres/session.hpp"
#include "postgres/statements.hpp"

namespace nexus::idempotency::postgres {

// How often a statement is executed again after a serialization failure or a deadlock.
inline constexpr int max_repeats = 3;

// The one value that a call gives, or null; in binary format.
class Answer {
 public:
  Answer(Result result, int column) : result_(std::move(result)), column_(column) {}

  // Lifetimes: as long as this object.
  [[nodiscard]] std::optional<std::string_view> value() const;

  // Returns: the value.
  // Errors: StoreErrc::misconfigured if it is null: such a function isn't of schema.sql.
  [[nodiscard]] std::string_view required() const;

 private:
  Result result_;
  int column_;
};

// Returns: the answer in the result of a Statements::checked(); nothing if that did nothing because
// the transaction isn't READ COMMITTED.
// Errors: StoreErrc::misconfigured if it did nothing because of the version.
[[nodiscard]] std::optional<Answer> checked_answer(Result result);

// Effects: executes a Statements::checked() between BEGIN ISOLATION LEVEL READ COMMITTED with
// `settings` and COMMIT.
[[nodiscard]] Reply run_read_committed(Session& session, const char* checked,
                                       const Parameters& parameters,
                                       std::string_view settings = {});

class Caller {
 public:
  virtual ~Caller() = default;

  // Effects: executes one call. `effect`: what it may leave behind.
  // Errors: StoreError.
  [[nodiscard]] virtual Answer call(Call call, const Parameters& parameters, Effect effect) = 0;

  virtual void ensure_schema() = 0;
};

// Errors: as the constructors of PostgresIdempotencyStore.
[[nodiscard]] std::unique_ptr<Caller> make_pooled_caller(const std::string& conninfo,
                                                         PostgresStoreOptions options);
[[nodiscard]] std::unique_ptr<Caller> make_borrowing_caller(PGconn* connection,
                                                            const std::string& table);

}  // namespace nexus::idempotency::postgres

#endif  // NEXUS_IDEMPOTENCY_POSTGRES_CALLER_HPP
