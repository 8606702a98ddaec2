// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_HPP
#define NEXUS_IDEMPOTENCY_HPP

// The core, whole. No third-party header is behind it; json.hpp and the optional components are
// included by their own names.

#include "nexus/idempotency/attempt.hpp"
#include "nexus/idempotency/decision.hpp"
#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/execute.hpp"
#include "nexus/idempotency/in_memory_store.hpp"
#include "nexus/idempotency/key.hpp"
#include "nexus/idempotency/policy.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/result_envelope.hpp"
#include "nexus/idempotency/server_clock_options.hpp"
#include "nexus/idempotency/service.hpp"
#include "nexus/idempotency/sharded_store.hpp"
#include "nexus/idempotency/system_clock.hpp"
#include "nexus/idempotency/time.hpp"
#include "nexus/idempotency/values.hpp"

#endif  // NEXUS_IDEMPOTENCY_HPP
