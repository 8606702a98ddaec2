// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_FINGERPRINT_JSON_NUMBER_HPP
#define NEXUS_IDEMPOTENCY_FINGERPRINT_JSON_NUMBER_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nexus::idempotency::fingerprint {

// A decimal number as such, with as many digits as it takes: 0.d1d2d3... * 10^point, the first and
// the last digit not zero. Without digits it is zero.
struct Decimal {
  bool negative = false;
  std::string digits;
  std::int64_t point = 0;
};

// Returns: the number that a JSON number token writes; nothing if its exponent is out of all
// reason. Whatever stands in the place of the decimal point is taken for one: the parser that the
// token comes from puts that of the C locale there.
[[nodiscard]] std::optional<Decimal> decimal_of(std::string_view token);

// Returns: the shortest decimal that rounds to `value`, which is finite.
[[nodiscard]] Decimal shortest_decimal(double value);

// Returns: the number as ECMAScript lays it out (Number::toString); zero keeps its sign.
[[nodiscard]] std::string ecmascript_text(const Decimal& number);

}  // namespace nexus::idempotency::fingerprint

#endif  // NEXUS_IDEMPOTENCY_FINGERPRINT_JSON_NUMBER_HPP
