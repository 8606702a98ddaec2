// SPDX-License-Identifier: MIT
// What a block of README.md that is not a whole file may use: readme.sh puts this before it.
#include <chrono>
#include <exception>
#include <iostream>
#include <memory>
#include <nexus/idempotency.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

using namespace nexus::idempotency;
using namespace std::chrono_literals;

#define NEXUS_IDEMPOTENCY_README_PARAMETERS                                      \
  IdempotencyService &service, IdempotencyStore &store, IdempotencyClock &clock, \
      const IdempotencyKey &key, const RequestFingerprint &fingerprint, const Attempt &attempt
