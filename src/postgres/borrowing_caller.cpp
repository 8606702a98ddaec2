// SPDX-License-Identifier: MIT
// Calls on a connection of the user's, as parts of the user's transaction if there is one.
#include <libpq-fe.h>

#include <memory>
#include <string>
#include <utility>

#include "nexus/idempotency/errors.hpp"
#include "postgres/caller.hpp"
#include "postgres/faults.hpp"
#include "postgres/libpq.hpp"
#include "postgres/parameters.hpp"
#include "postgres/schema.hpp"
#include "postgres/session.hpp"
#include "postgres/statements.hpp"

namespace nexus::idempotency::postgres {
namespace {

class BorrowedSession final : public Session {
 public:
  explicit BorrowedSession(PGconn* connection) : connection_(connection) {}

  [[nodiscard]] Reply run(const std::string& text) override {
    return reply(PQexec(connection_, text.c_str()));
  }
  [[nodiscard]] Reply run_with(const char* text, const Parameters& parameters) override {
    return reply(PQexecParams(connection_, text, parameters.count(), nullptr, parameters.values(),
                              parameters.lengths(), Parameters::formats(), 1));
  }

 private:
  [[nodiscard]] Reply reply(PGresult* handed_out) const {
    Result result(handed_out);
    const ExecStatusType status = PQresultStatus(result.get());
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return {std::move(result), {}};
    Fault fault = fault_of(result.get());
    fault.lost = fault.lost || PQstatus(connection_) != CONNECTION_OK;
    return {nullptr, std::move(fault)};
  }

  PGconn* connection_;
};

class BorrowingCaller final : public Caller {
 public:
  BorrowingCaller(PGconn* connection, const std::string& table)
      : connection_(connection), session_(connection), statements_(table) {}

  Answer call(Call call, const Parameters& parameters, Effect effect) override {
    return check_connection() ? call_within(call, parameters)
                              : call_alone(call, parameters, effect);
  }

  void ensure_schema() override {
    postgres::ensure_schema(statements_, session_, check_connection());
  }

 private:
  // Returns: whether a transaction is open.
  // Errors: StoreError if no statement can be executed now.
  [[nodiscard]] bool check_connection() const {
    if (PQstatus(connection_) != CONNECTION_OK) {
      throw StoreError(StoreErrc::unavailable, "the connection is closed or broken");
    }
    if (PQpipelineStatus(connection_) != PQ_PIPELINE_OFF || PQisnonblocking(connection_) != 0) {
      throw StoreError(StoreErrc::misconfigured, "the connection is not in blocking mode");
    }
    switch (PQtransactionStatus(connection_)) {
      case PQTRANS_IDLE:
        return false;
      case PQTRANS_INTRANS:
        return true;
      case PQTRANS_INERROR:
        throw StoreError(StoreErrc::contended, "the transaction is aborted");
      case PQTRANS_ACTIVE:
        throw StoreError(StoreErrc::misconfigured, "the connection is busy with another command");
      case PQTRANS_UNKNOWN:
        break;
    }
    throw StoreError(StoreErrc::unavailable, "the connection is closed or broken");
  }

  // As part of the open transaction.
  Answer call_within(Call call, const Parameters& parameters) {
    Reply reply = session_.run_with(statements_.checked(call), parameters);
    // A transaction that wasn't committed is gone with its connection.
    if (!reply.result) throw statement_error(reply.fault, Effect::none);
    auto answer = checked_answer(std::move(reply.result));
    if (!answer) throw not_read_committed();
    return *std::move(answer);
  }

  // As a transaction of its own.
  Answer call_alone(Call call, const Parameters& parameters, Effect effect) {
    int repeats = 0;
    for (;;) {
      const char* text = statements_.checked(call);
      Reply reply = begins_ ? run_read_committed(session_, text, parameters)
                            : session_.run_with(text, parameters);
      if (reply.result) {
        if (auto answer = checked_answer(std::move(reply.result))) return *std::move(answer);
        begins_ = true;  // nothing was done yet
      } else if (is_collision(reply.fault) && repeats < max_repeats) {
        ++repeats;
      } else {
        throw statement_error(reply.fault, effect);
      }
    }
  }

  PGconn* connection_;
  BorrowedSession session_;
  const Statements statements_;
  bool begins_ = false;  // the session's default isolation is another
};

}  // namespace

std::unique_ptr<Caller> make_borrowing_caller(PGconn* connection, const std::string& table) {
  return std::make_unique<BorrowingCaller>(connection, table);
}

}  // namespace nexus::idempotency::postgres
