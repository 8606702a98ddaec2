// SPDX-License-Identifier: MIT
#include "nexus/idempotency/server_clock_options.hpp"

#include <chrono>

#include "nexus/idempotency/errors.hpp"
#include "stores/sampled_clock.hpp"
#include "support/catch.hpp"

using namespace nexus::idempotency;
using namespace std::chrono_literals;
using stores::SampledClock;

TEST_CASE("the default options are in their range") {
  CHECK_NOTHROW(SampledClock([] { return Timestamp{}; }, ServerClockOptions{}));
}

TEST_CASE("options out of their range are refused") {
  const auto made_with = [](ServerClockOptions options) {
    return SampledClock([] { return Timestamp{}; }, options);
  };
  ServerClockOptions none;
  none.sample_interval = 0s;
  CHECK_THROWS_AS(made_with(none), InvalidValueError);
  ServerClockOptions negative;
  negative.max_round_trip = -1s;
  CHECK_THROWS_AS(made_with(negative), InvalidValueError);
  ServerClockOptions too_old;
  too_old.max_age = 5s;
  CHECK_THROWS_AS(made_with(too_old), InvalidValueError);
}
