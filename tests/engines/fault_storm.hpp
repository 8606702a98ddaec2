// SPDX-License-Identifier: MIT
#pragma once

#include "engines/fault_proxy.hpp"
#include "nexus/idempotency.hpp"

namespace nexus::idempotency::test {

// Many callers on connections that break all the time, at any request: nothing is executed twice
// (G1), what was acknowledged is replayed (G2), and the store needs no help to go on.
// Preconditions: the store is empty, and reaches its server through the proxy.
void survive_a_storm(FaultProxy& proxy, IdempotencyStore& store);

}  // namespace nexus::idempotency::test
