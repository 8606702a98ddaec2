// SPDX-License-Identifier: MIT
#include "postgres/connection.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "nexus/idempotency/errors.hpp"
#include "postgres/faults.hpp"
#include "postgres/input_watch.hpp"
#include "postgres/libpq.hpp"
#include "postgres/parameters.hpp"
#include "postgres/session.hpp"
#include "stores/milliseconds.hpp"

namespace nexus::idempotency::postgres {
namespace {

using stores::Deadline;
using stores::deadline_in;
using stores::milliseconds_until;

// Returns: the events that happened; 0 if none did by `deadline`.
int wait_for(const PGconn* connection, short events, Deadline deadline) {
  pollfd socket{PQsocket(connection), events, 0};
  if (socket.fd < 0) return POLLERR;
  for (;;) {
    const int ready = poll(&socket, 1, milliseconds_until(deadline));
    if (ready > 0) return socket.revents;
    if (ready == 0) return 0;
    if (errno != EINTR) return POLLERR;
  }
}

bool is_error(const PGresult* result) noexcept {
  const ExecStatusType status = PQresultStatus(result);
  return status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK;
}

// Between statements, an error of the server's is the announcement that it ends the session. libpq
// has no other way to tell; by default it prints such messages.
void note_message(void* ending, const PGresult* message) {
  const char* severity = PQresultErrorField(message, PG_DIAG_SEVERITY_NONLOCALIZED);
  const std::string_view text = severity == nullptr ? "" : severity;
  if (text == "FATAL" || text == "PANIC") *static_cast<bool*>(ending) = true;
}

}  // namespace

Connection::Connection(const std::string& conninfo, std::chrono::milliseconds connect_timeout,
                       std::chrono::milliseconds answer_timeout)
    : answer_timeout_(answer_timeout) {
  const Deadline deadline = deadline_in(connect_timeout);
  const std::array<const char*, 3> keywords{"fallback_application_name", "dbname", nullptr};
  const std::array<const char*, 3> values{"nexus_idempotency", conninfo.c_str(), nullptr};
  handle_.reset(PQconnectStartParams(keywords.data(), values.data(), 1));
  if (!handle_) throw std::bad_alloc();
  PGconn* connection = handle_.get();
  PQsetErrorVerbosity(connection, PQERRORS_SQLSTATE);  // the only way to learn why it failed
  PQsetNoticeReceiver(connection, &note_message, &ending_);

  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  if (PQstatus(connection) == CONNECTION_BAD) next = PGRES_POLLING_FAILED;
  while (next != PGRES_POLLING_OK) {
    if (next == PGRES_POLLING_FAILED) {
      throw connect_error(sqlstate_in(PQerrorMessage(connection)),
                          PQconnectionNeedsPassword(connection) != 0);
    }
    const short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (wait_for(connection, events, deadline) == 0) {
      throw StoreError(StoreErrc::unavailable, "no connection to the server in time");
    }
    next = PQconnectPoll(connection);
  }
  if (PQsetnonblocking(connection, 1) != 0) throw std::bad_alloc();
  input_.emplace(PQsocket(connection));
}

bool Connection::is_alive() {
  PGconn* connection = handle_.get();
  if (given_up_ || PQstatus(connection) != CONNECTION_OK) return false;
  if (!input_->has_input()) return true;
  // Something came unasked: the end, or a notice, or what TLS sends by itself. Read it, then see
  // whether the end is behind it.
  if (PQconsumeInput(connection) == 0) return false;
  static_cast<void>(PQisBusy(connection));  // hands messages to note_message
  return !ending_ && PQstatus(connection) == CONNECTION_OK && !input_->has_input();
}

Reply Connection::run(const std::string& text) {
  return answer(PQsendQuery(handle_.get(), text.c_str()));
}

Reply Connection::run_with(const char* text, const Parameters& parameters) {
  return answer(PQsendQueryParams(handle_.get(), text, parameters.count(), nullptr,
                                  parameters.values(), parameters.lengths(), Parameters::formats(),
                                  1));
}

Reply Connection::run_prepared(const char* name, const Parameters& parameters) {
  return answer(PQsendQueryPrepared(handle_.get(), name, parameters.count(), parameters.values(),
                                    parameters.lengths(), Parameters::formats(), 1));
}

Reply Connection::lost() {
  given_up_ = true;
  return {nullptr, Fault{{}, true}};
}

Reply Connection::answer(int sent) {
  const Deadline deadline = deadline_in(answer_timeout_);
  // Even if libpq says that it was not sent: a part of it may have been.
  if (sent == 0 || !flush(deadline)) return lost();

  Result kept;  // the first error, else the last result
  for (;;) {
    const bool ready = read_until_ready(deadline);
    if (!ready && PQstatus(handle_.get()) == CONNECTION_OK) return lost();  // too late
    Result result(PQgetResult(handle_.get()));
    if (!result) break;
    if (!kept || !is_error(kept.get())) kept = std::move(result);
    if (!ready) break;
  }
  if (!kept) return lost();
  if (is_error(kept.get())) {
    Fault fault = fault_of(kept.get());
    fault.lost = fault.lost || PQstatus(handle_.get()) != CONNECTION_OK;
    return {nullptr, std::move(fault)};
  }
  return {std::move(kept), {}};
}

bool Connection::flush(Deadline deadline) {
  for (;;) {
    const int left = PQflush(handle_.get());
    if (left <= 0) return left == 0;
    const int happened = wait_for(handle_.get(), POLLIN | POLLOUT, deadline);
    if (happened == 0) return false;
    // The server may be unable to read on before it has written.
    if ((happened & POLLIN) != 0 && PQconsumeInput(handle_.get()) == 0) return false;
  }
}

bool Connection::read_until_ready(Deadline deadline) {
  while (PQisBusy(handle_.get()) != 0) {
    // Nothing comes any more once libpq has closed its socket.
    if (PQsocket(handle_.get()) < 0 || !input_->wait(deadline)) return false;
    if (PQconsumeInput(handle_.get()) == 0) return false;
  }
  return true;
}

}  // namespace nexus::idempotency::postgres
