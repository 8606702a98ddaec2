// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "nexus/idempotency/errors.hpp"

namespace nexus::idempotency::test {

// Returns: the code of the store error that `call` ended with; nothing if it ended well.
template <class Call>
std::optional<StoreErrc> store_error(Call&& call) {
  try {
    call();
  } catch (const StoreError& error) {
    return error.code();
  }
  return std::nullopt;
}

}  // namespace nexus::idempotency::test
