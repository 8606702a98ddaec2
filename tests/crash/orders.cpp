// SPDX-License-Identifier: MIT
#include "crash/orders.hpp"

#include <charconv>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace nexus::idempotency::test {
namespace {

// Calls `visit(name, member)` for each.
template <class SomeOrders, class Visit>
void for_each_order(SomeOrders& orders, Visit visit) {
  visit("engine", orders.engine);
  visit("place", orders.place);
  visit("log", orders.log);
  visit("broken", orders.broken);
  visit("worker", orders.worker);
  visit("threads", orders.threads);
  visit("seed", orders.seed);
  visit("lease", orders.lease);
  visit("since", orders.since);
  visit("rate", orders.rate);
  visit("window", orders.window);
  visit("keys", orders.keys);
  visit("own_crashes", orders.own_crashes);
  visit("settle", orders.settle);
}

std::string text_of(const std::string& value) {
  return value;
}
template <class Number>
std::string text_of(const Number& value) {
  return std::to_string(value);
}

bool read(std::string_view text, std::string& value) {
  value = text;
  return true;
}
template <class Number>
bool read(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::vector<std::string> to_arguments(const Orders& orders) {
  std::vector<std::string> arguments;
  for_each_order(orders, [&](const char* name, const auto& value) {
    arguments.push_back(std::string(name) + "=" + text_of(value));
  });
  return arguments;
}

Orders parse_arguments(int count, const char* const* arguments) {
  Orders orders;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    const std::size_t sign = argument.find('=');
    bool known = false;
    for_each_order(orders, [&](const char* name, auto& value) {
      if (sign == std::string_view::npos || argument.substr(0, sign) != name) return;
      known = read(argument.substr(sign + 1), value);
    });
    if (!known) throw std::invalid_argument("a worker's argument: " + std::string(argument));
  }
  return orders;
}

std::int64_t monotonic_now() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace nexus::idempotency::test
