// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_POSTGRES_LIBPQ_HPP
#define NEXUS_IDEMPOTENCY_POSTGRES_LIBPQ_HPP

// Owners of what libpq hands out.

#include <libpq-fe.h>

#include <memory>

namespace nexus::idempotency::postgres {

struct Finish {
  void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
};
struct Clear {
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using ConnectionHandle = std::unique_ptr<PGconn, Finish>;
using Result = std::unique_ptr<PGresult, Clear>;

}  // namespace nexus::idempotency::postgres

#endif  // NEXUS_IDEMPOTENCY_POSTGRES_LIBPQ_HPP
