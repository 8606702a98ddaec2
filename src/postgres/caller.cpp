// SPDX-License-Identifier: MIT
#include "postgres/caller.hpp"

#include <libpq-fe.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "nexus/idempotency/errors.hpp"
#include "postgres/faults.hpp"
#include "postgres/libpq.hpp"
#include "postgres/parameters.hpp"
#include "postgres/row.hpp"
#include "postgres/session.hpp"
#include "postgres/statements.hpp"

namespace nexus::idempotency::postgres {
namespace {

std::optional<std::string_view> value_at(const PGresult* result, int column) {
  if (PQgetisnull(result, 0, column) != 0) return std::nullopt;
  return std::string_view(PQgetvalue(result, 0, column),
                          static_cast<std::size_t>(PQgetlength(result, 0, column)));
}

}  // namespace

std::optional<std::string_view> Answer::value() const {
  return value_at(result_.get(), column_);
}

std::string_view Answer::required() const {
  const auto bytes = value();
  if (!bytes) throw StoreError(StoreErrc::misconfigured, "a function of the table's gave null");
  return *bytes;
}

std::optional<Answer> checked_answer(Result result) {
  const auto version = value_at(result.get(), 0);
  if (!version || read_number<4>(*version) != schema_version) throw other_version();
  if (value_at(result.get(), 1) != "read committed") return std::nullopt;
  return Answer(std::move(result), 2);
}

Reply run_read_committed(Session& session, const char* checked, const Parameters& parameters,
                         std::string_view settings) {
  Reply begun = session.run("BEGIN ISOLATION LEVEL READ COMMITTED;" + std::string(settings));
  if (!begun.result) return begun;
  Reply reply = session.run_with(checked, parameters);
  if (!reply.result) {
    if (!reply.fault.lost) static_cast<void>(session.run("ROLLBACK"));
    return reply;
  }
  Reply done = session.run("COMMIT");
  return done.result ? std::move(reply) : std::move(done);
}

}  // namespace nexus::idempotency::postgres
