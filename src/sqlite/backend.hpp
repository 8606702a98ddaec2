// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_SQLITE_BACKEND_HPP
#define NEXUS_IDEMPOTENCY_SQLITE_BACKEND_HPP

#include "nexus/idempotency/ports.hpp"

namespace nexus::idempotency::sqlite {

// What SqliteIdempotencyStore is behind its header: a store on a file or on a connection.
class Backend : public IdempotencyStore {
 public:
  virtual void ensure_schema() = 0;
};

}  // namespace nexus::idempotency::sqlite

#endif  // NEXUS_IDEMPOTENCY_SQLITE_BACKEND_HPP
