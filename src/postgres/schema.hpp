// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_POSTGRES_SCHEMA_HPP
#define NEXUS_IDEMPOTENCY_POSTGRES_SCHEMA_HPP

#include <libpq-fe.h>

#include <string_view>

#include "postgres/session.hpp"
#include "postgres/statements.hpp"

namespace nexus::idempotency::postgres {

// Errors: StoreErrc::misconfigured if `result`, in text format, is not one row with the version
// that this code is for.
void check_version(const PGresult* result);

// Effects: those of PostgresIdempotencyStore::ensure_schema, in the open transaction if
// `in_transaction`, else in one of its own, which begins with `settings`.
// Errors: StoreError; a transaction of its own has ended, or the connection has.
void ensure_schema(const Statements& statements, Session& session, bool in_transaction,
                   std::string_view settings = {});

}  // namespace nexus::idempotency::postgres

#endif  // NEXUS_IDEMPOTENCY_POSTGRES_SCHEMA_HPP
