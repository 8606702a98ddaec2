// SPDX-License-Identifier: MIT
// Any bytes as each of the text values: accepted exactly by the rules, and the same by parse() and
// by the constructor. What is UTF-8 is decided by nlohmann's strict writer.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/values.hpp"

namespace {

using namespace nexus::idempotency;

void require(bool condition) {
  if (!condition) std::abort();
}

bool is_utf8(std::string_view text) {
  try {
    static_cast<void>(nlohmann::json(text).dump());
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks(" \t\n\r\0\x0B", 6);
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

template <class Value>
std::optional<Value> constructed(std::string_view text) {
  try {
    return Value(text);
  } catch (const InvalidValueError& error) {
    // A fixed text, so nothing of the input is in it.
    require(std::string_view(error.what()).starts_with(Value::type_name));
    require(std::string_view(error.what()).size() < 50);
    return std::nullopt;
  }
}

template <class Value>
void check(std::string_view text, std::string_view kept, bool utf8) {
  const bool valid = !kept.empty() && kept.size() <= Value::max_length && utf8;
  const std::optional<Value> parsed = Value::parse(text);
  require(parsed.has_value() == valid);
  require(constructed<Value>(text) == parsed);
  if (!parsed) return;
  require(parsed->value() == kept);
  const std::optional<Value> again = Value::parse(parsed->value());  // a value is its own fix point
  require(again == parsed);
  require(std::hash<Value>{}(*again) == std::hash<Value>{}(*parsed));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view kept = trimmed(text);
  const bool utf8 = is_utf8(kept);
  check<TenantId>(text, kept, utf8);
  check<OperationRef>(text, kept, utf8);
  check<ClientKey>(text, kept, utf8);
  check<RequestFingerprint>(text, kept, utf8);
  check<AttemptToken>(text, kept, utf8);
  return 0;
}
