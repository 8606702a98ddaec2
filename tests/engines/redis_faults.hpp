// SPDX-License-Identifier: MIT
#pragma once

#include "engines/fault_protocol.hpp"

namespace nexus::idempotency::test {

// A request is what a client sends at once, be it several commands; whoever sends less than some
// 30 KB through a Unix socket is received at once too. An answer is as many replies.
// cut(): all commands but the last; of a single one, half of its bytes.
[[nodiscard]] const Protocol& redis_protocol();

}  // namespace nexus::idempotency::test
