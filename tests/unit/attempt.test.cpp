// SPDX-License-Identifier: MIT
#include "nexus/idempotency/attempt.hpp"

#include <chrono>
#include <functional>
#include <limits>
#include <optional>
#include <ostream>
#include <type_traits>
#include <vector>

#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

template <class T>
concept printable = requires(std::ostream& out, const T& value) {
  out << value;
};
static_assert(printable<AttemptToken>);
static_assert(!printable<Attempt>, "an attempt holds the token; json.hpp prints it without");

static_assert(std::is_aggregate_v<Attempt>);
static_assert(std::is_nothrow_copy_constructible_v<Attempt>);
static_assert(std::is_nothrow_copy_assignable_v<Attempt>);
static_assert(std::is_same_v<decltype(Attempt::fence), std::uint64_t>);

Attempt attempt() {
  return {.key = {TenantId{"t"}, OperationRef{"o"}, ClientKey{"k"}},
          .fingerprint = RequestFingerprint{"f"},
          .token = AttemptToken{"a"},
          .fence = 7,
          .started_at = Timestamp{Duration{1}},
          .lease_end = Timestamp{Duration{2}}};
}

TEST_CASE("attempts are equal when every member is", "[attempt]") {
  CHECK(attempt() == attempt());
  const std::vector<std::function<void(Attempt&)>> changes{
      [](Attempt& a) {
        a.key = {TenantId{"t"}, OperationRef{"o"}, ClientKey{"K"}};
      },
      [](Attempt& a) { a.fingerprint = RequestFingerprint{"F"}; },
      [](Attempt& a) { a.token = AttemptToken{"A"}; },
      [](Attempt& a) { ++a.fence; },
      [](Attempt& a) { a.started_at += Duration{1}; },
      [](Attempt& a) { *a.lease_end += Duration{1}; },
      [](Attempt& a) { a.lease_end.reset(); },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    CAPTURE(i);
    Attempt changed = attempt();
    changes[i](changed);
    CHECK_FALSE(changed == attempt());
  }
}

TEST_CASE("a copy of an attempt is equal and independent", "[attempt]") {
  Attempt original = attempt();
  const Attempt copy = original;
  original.fence = 8;
  original.lease_end.reset();
  CHECK(copy == attempt());
}

}  // namespace
}  // namespace nexus::idempotency::test
