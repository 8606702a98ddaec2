// SPDX-License-Identifier: MIT
#pragma once

// An application with rows of its own: one row in `ledger` for each execution. Nothing but the
// idempotency record keeps a command from getting two. A Ledger is a connection to it, see
// sqlite_ledger.hpp and postgres_ledger.hpp.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "nexus/idempotency.hpp"

namespace nexus::idempotency::test {

enum class Pattern {
  one_transaction,  // the claim, the row and the outcome together
  claim_first,      // the claim in a transaction of its own, then the row and the outcome together
};

inline IdempotencyKey ledger_key(std::string_view command) {
  return {TenantId("acct_7"), OperationRef("ledger.charge"), ClientKey(command)};
}
inline const RequestFingerprint& ledger_fingerprint() {
  static const RequestFingerprint value("cents=1000");
  return value;
}

// Rolled back unless it is committed.
template <class Ledger>
class Transaction {
 public:
  explicit Transaction(Ledger& ledger) : ledger_(ledger) { ledger_.begin(); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    if (!committed_) ledger_.roll_back();
  }
  void commit() {
    ledger_.commit();
    committed_ = true;
  }

 private:
  Ledger& ledger_;
  bool committed_ = false;
};

// Returns: what to tell the client if the command is not to be executed.
inline std::optional<std::string> refused(const BeginDecision& decision) {
  if (std::holds_alternative<FirstExecution>(decision)) return std::nullopt;
  if (const auto* replay = std::get_if<Replay>(&decision)) {
    return "replayed " + std::string(replay->result.payload());
  }
  return std::holds_alternative<InProgress>(decision) ? "in progress" : "another answer";
}

[[nodiscard]] std::unique_ptr<IdempotencyServiceInterface> make_service(
    IdempotencyStore& store, IdempotencyClock& clock, IdempotencyPolicy policy = {});

// Effects: reports that the command has made the row.
// Errors: as of complete.
void record_row(IdempotencyServiceInterface& service, const Attempt& attempt,
                const std::string& row);

// Effects: executes the command, or finds that it has been.
// Returns: "executed row <n>", "replayed row <n>" or "in progress".
// Errors: StoreError, CompletionError, std::runtime_error of the ledger; the transaction is then
//   rolled back.
template <class Ledger>
std::string run_command(Ledger& ledger, IdempotencyClock& clock, Pattern pattern,
                        std::string_view command, IdempotencyPolicy policy = {}) {
  const IdempotencyKey key = ledger_key(command);
  const auto outcomes = make_service(ledger.outcomes(), clock, policy);
  if (pattern == Pattern::one_transaction) {
    Transaction transaction(ledger);
    const BeginDecision decision = outcomes->begin(key, ledger_fingerprint());
    if (const auto answer = refused(decision)) return *answer;
    const std::string row = ledger.insert(command);
    record_row(*outcomes, std::get<FirstExecution>(decision).attempt, row);
    transaction.commit();
    return "executed " + row;
  }
  const auto claims = make_service(ledger.claims(), clock, policy);
  const BeginDecision decision = claims->begin(key, ledger_fingerprint());
  if (const auto answer = refused(decision)) return *answer;
  Transaction transaction(ledger);
  const std::string row = ledger.insert(command);
  record_row(*outcomes, std::get<FirstExecution>(decision).attempt, row);
  transaction.commit();
  return "executed " + row;
}

// Returns: a query for how the ledger and the records contradict each other; "0 0 0 0" if they
// don't. `text` is how the engine makes a text of bytes, with a % in place of the column.
inline std::string contradictions(std::string_view text) {
  const auto as_text = [&](std::string_view column) {
    std::string sql(text);
    return sql.replace(sql.find('%'), 1, column);
  };
  const std::string done =
      "SELECT " + as_text("client_key") + " FROM nexus_idempotency WHERE status = 1";
  return "SELECT (SELECT count(*) FROM (SELECT command FROM ledger EXCEPT " + done +
         ") AS a) || ' ' || (SELECT count(*) FROM (" + done +
         " EXCEPT SELECT command FROM ledger) AS b) || ' ' || (SELECT count(*) - count(DISTINCT "
         "command) FROM ledger) || ' ' || (SELECT count(*) FROM nexus_idempotency WHERE status = 1 "
         "AND " +
         as_text("result") +
         " NOT IN (SELECT 'row ' || id FROM ledger WHERE command = " + as_text("client_key") + "))";
}

}  // namespace nexus::idempotency::test
