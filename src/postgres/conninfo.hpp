// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_POSTGRES_CONNINFO_HPP
#define NEXUS_IDEMPOTENCY_POSTGRES_CONNINFO_HPP

#include <string>

namespace nexus::idempotency::postgres {

// Errors: StoreErrc::misconfigured if libpq can't parse it.
void check_conninfo(const std::string& conninfo);

}  // namespace nexus::idempotency::postgres

#endif  // NEXUS_IDEMPOTENCY_POSTGRES_CONNINFO_HPP
