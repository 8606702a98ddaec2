// SPDX-License-Identifier: MIT
// Commands whose results are JSON, for the tests of json.hpp.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "nexus/idempotency/json.hpp"
#include "support/service_world.hpp"

namespace nexus::idempotency::test {

// Runs `work` under the key of the world.
template <class T, class Work>
JsonOutcome<T> run(World& world, Work&& work) {
  return execute_json<T>(world.service(), key(), fingerprint(), std::forward<Work>(work));
}

// Work that must not be done.
template <class T>
T never(const Attempt&) {
  throw std::logic_error("the work ran again");
}

// Completes the key of the world with these bytes, as another program might have.
inline void complete_with(World& world, const ResultEnvelope& envelope) {
  world.service().complete(world.claim(), envelope);
}

struct Order {
  std::string id;
  std::uint64_t cents = 0;
  std::vector<std::string> notes;

  friend bool operator==(const Order&, const Order&) = default;
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(Order, id, cents, notes)
};

}  // namespace nexus::idempotency::test
