// SPDX-License-Identifier: MIT
#include "nexus/idempotency/system_clock.hpp"

#include <chrono>
#include <type_traits>

#include "support/catch.hpp"

using namespace nexus::idempotency;

static_assert(std::is_base_of_v<IdempotencyClock, SystemClock>);
static_assert(std::is_final_v<SystemClock>);

TEST_CASE("SystemClock is the host's wall clock, rounded down to the microsecond") {
  SystemClock clock;
  IdempotencyClock& port = clock;
  const auto host = [] { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); };
  Timestamp before;
  Timestamp read;
  Timestamp after;
  do {
    before = host();
    read = port.now();
    after = host();
  } while (after < before);  // the host's clock was set back in between: no judgement
  CHECK(before <= read);
  CHECK(read <= after);
}

TEST_CASE("SystemClock keeps what is below a millisecond") {
  SystemClock clock;
  bool finer = false;
  // A clock of milliseconds fails every one of them, one of microseconds a run of them at most.
  for (int i = 0; i < 1'000'000 && !finer; ++i) {
    finer = clock.now().time_since_epoch() % std::chrono::milliseconds{1} != Duration{0};
  }
  CHECK(finer);
}
