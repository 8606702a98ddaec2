// SPDX-License-Identifier: MIT
#include "fingerprint/json_number.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <system_error>

namespace nexus::idempotency::fingerprint {
namespace {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

// So far from the limits of the type that lengths of texts can be added to it.
constexpr std::int64_t exponent_limit = 1'000'000'000'000'000;

std::optional<std::int64_t> exponent_of(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  std::int64_t exponent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (error != std::errc{} || exponent > exponent_limit) return std::nullopt;
  return negative ? -exponent : exponent;
}

}  // namespace

std::optional<Decimal> decimal_of(std::string_view token) {
  Decimal number;
  number.negative = token.starts_with('-');
  if (number.negative) token.remove_prefix(1);

  const std::size_t e = token.find_first_of("eE");
  bool after_point = false;
  for (const char c : token.substr(0, e)) {
    if (!is_digit(c)) {
      after_point = true;
    } else if (number.digits.empty() && c == '0') {
      if (after_point) --number.point;
    } else {
      number.digits += c;
      if (!after_point) ++number.point;
    }
  }
  while (number.digits.ends_with('0')) number.digits.pop_back();
  if (number.digits.empty()) {
    number.point = 0;
  } else if (e != std::string_view::npos) {
    const std::optional<std::int64_t> exponent = exponent_of(token.substr(e + 1));
    if (!exponent) return std::nullopt;
    number.point += *exponent;
  }
  return number;
}

Decimal shortest_decimal(double value) {
  std::array<char, 32> text{};  // -1.7976931348623157e+308 takes 24
  char* const begin = text.data();
  const char* const end =
      std::to_chars(begin, begin + text.size(), value, std::chars_format::scientific).ptr;
  const std::optional<Decimal> number =
      decimal_of(std::string_view(begin, static_cast<std::size_t>(end - begin)));
  return number.value_or(Decimal{});  // the exponent of a double is in range
}

// The cases of ECMA-262, Number::toString, with `k` digits and the point after digit `n`.
std::string ecmascript_text(const Decimal& number) {
  std::string text = number.negative ? "-" : "";
  const std::string& digits = number.digits;
  const auto k = static_cast<std::int64_t>(digits.size());
  const std::int64_t n = number.point;
  const auto zeros = [](std::int64_t count) {
    return std::string(static_cast<std::size_t>(count), '0');
  };
  if (k == 0) return text + "0";
  if (n > 0 && n <= 21) {
    if (k <= n) return text + digits + zeros(n - k);
    const auto point = static_cast<std::size_t>(n);
    return text + digits.substr(0, point) + "." + digits.substr(point);
  }
  if (n > -6 && n <= 0) return text + "0." + zeros(-n) + digits;
  text += digits[0];
  if (k > 1) text.append(".").append(digits, 1);
  text += n > 0 ? "e+" : "e-";
  return text + std::to_string(n > 0 ? n - 1 : 1 - n);
}

}  // namespace nexus::idempotency::fingerprint
