// SPDX-License-Identifier: MIT
#include "nexus/idempotency/policy.hpp"

#include <chrono>
#include <limits>
#include <optional>
#include <string>

#include "nexus/idempotency/errors.hpp"
#include "support/catch.hpp"
#include "support/service_world.hpp"

namespace nexus::idempotency::test {
namespace {

static_assert(retention_grace == 1h);

TEST_CASE("the policy that one gets without asking", "[policy]") {
  const IdempotencyPolicy policy;
  CHECK(policy.pending_ttl == std::optional<Duration>(15min));
  CHECK(policy.allow_retry_after_fail);
  CHECK(policy.completed_ttl == std::optional<Duration>(24h));
  CHECK(policy.failed_ttl == std::nullopt);
  CHECK(policy.late_completion == LateCompletion::accept);
  CHECK(policy.clock_skew_allowance == Duration::zero());
}

TEST_CASE("names of LateCompletion", "[policy]") {
  CHECK(to_string(LateCompletion::accept) == "accept");
  CHECK(to_string(LateCompletion::reject) == "reject");
  CHECK(to_string(static_cast<LateCompletion>(99)) == "unknown");
}

// Returns: the text with which the service refuses the policy, empty if it does not.
std::string refusal_of(const IdempotencyPolicy& policy) {
  InMemoryIdempotencyStore store;
  ManualClock clock{start};
  try {
    const IdempotencyService service(store, clock, policy);
    return {};
  } catch (const InvalidValueError& error) {
    return error.what();
  }
}

TEST_CASE("no duration of a policy may be negative", "[policy]") {
  using Catch::Matchers::ContainsSubstring;
  for (const Duration bad : {Duration{-1}, Duration::min()}) {
    CHECK_THAT(refusal_of({.pending_ttl = bad}), ContainsSubstring("pending_ttl"));
    CHECK_THAT(refusal_of({.completed_ttl = bad}), ContainsSubstring("completed_ttl"));
    CHECK_THAT(refusal_of({.failed_ttl = bad}), ContainsSubstring("failed_ttl"));
    CHECK_THAT(refusal_of({.clock_skew_allowance = bad}),
               ContainsSubstring("clock_skew_allowance"));
  }
}

TEST_CASE("zero, never and the longest durations are policies", "[policy]") {
  for (const Duration fine : {Duration::zero(), Duration{1}, Duration::max()}) {
    CHECK(refusal_of({.pending_ttl = fine,
                      .completed_ttl = fine,
                      .failed_ttl = fine,
                      .clock_skew_allowance = fine})
              .empty());
  }
  CHECK(refusal_of({.pending_ttl = std::nullopt, .completed_ttl = std::nullopt}).empty());
}

}  // namespace
}  // namespace nexus::idempotency::test
