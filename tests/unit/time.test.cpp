// SPDX-License-Identifier: MIT
#include "nexus/idempotency/time.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>

#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

static_assert(std::is_same_v<Duration::period, std::micro>);
static_assert(std::is_signed_v<Duration::rep> && sizeof(Duration::rep) == 8);
static_assert(std::is_same_v<Timestamp::duration, Duration>);
static_assert(Timestamp{}.time_since_epoch().count() == 0);

// All of it can be computed at compile time.
static_assert(saturating_add(Timestamp{Duration{1}}, Duration{2}) == Timestamp{Duration{3}});
static_assert(saturating_subtract(Timestamp{Duration{1}}, Duration{2}) == Timestamp{Duration{-1}});
static_assert(saturating_time_left(Timestamp{Duration{1}}, Timestamp{Duration{3}}) == Duration{2});
static_assert(later_deadline(Timestamp{}, std::nullopt) == std::nullopt);

__extension__ using Wide = __int128;

constexpr std::int64_t least = Duration::min().count();
constexpr std::int64_t most = Duration::max().count();

// The ends of the range, zero, the halves, and today, each with its neighbours.
std::vector<std::int64_t> interesting() {
  std::vector<std::int64_t> values{least, least + 1, most - 1, most};
  for (const std::int64_t middle :
       {std::int64_t{0}, least / 2, most / 2, std::int64_t{1'700'000'000'000'000}}) {
    for (const std::int64_t step : {-2, -1, 0, 1, 2}) values.push_back(middle + step);
  }
  return values;
}

std::int64_t clamp(Wide value, std::int64_t low = least) {
  return static_cast<std::int64_t>(std::clamp(value, Wide{low}, Wide{most}));
}

Timestamp at(std::int64_t ticks) {
  return Timestamp{Duration{ticks}};
}

TEST_CASE("sums and differences of times stop at the ends of the range", "[time]") {
  for (const std::int64_t t : interesting()) {
    for (const std::int64_t d : interesting()) {
      CAPTURE(t, d);
      REQUIRE(saturating_add(at(t), Duration{d}) == at(clamp(Wide{t} + d)));
      REQUIRE(saturating_subtract(at(t), Duration{d}) == at(clamp(Wide{t} - d)));
    }
  }
}

TEST_CASE("the time left is never negative and never overflows", "[time]") {
  for (const std::int64_t earlier : interesting()) {
    for (const std::int64_t later : interesting()) {
      CAPTURE(earlier, later);
      REQUIRE(saturating_time_left(at(earlier), at(later)) ==
              Duration{clamp(Wide{later} - earlier, 0)});
    }
  }
}

TEST_CASE("of two deadlines the later one counts, and never is later than any", "[time]") {
  const std::optional<Timestamp> never;
  const std::optional<Timestamp> early = at(-5);
  const std::optional<Timestamp> late = at(7);
  CHECK(later_deadline(early, late) == late);
  CHECK(later_deadline(late, early) == late);
  CHECK(later_deadline(late, late) == late);
  CHECK(later_deadline(never, Timestamp::max()) == never);
  CHECK(later_deadline(Timestamp::max(), never) == never);
  CHECK(later_deadline(never, never) == never);
}

}  // namespace
}  // namespace nexus::idempotency::test
