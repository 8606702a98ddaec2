// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_DETAIL_JSON_HANDOFF_HPP
#define NEXUS_IDEMPOTENCY_DETAIL_JSON_HANDOFF_HPP

#include <cstddef>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/time.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace detail {

// Reads one object of the handoff JSON of an attempt. It must have exactly as many members as are
// then asked for, so that nothing is left over.
// Errors of all: InvalidValueError, with the name of what is wrong in its text and nothing else.
// Lifetimes: the JSON must outlive the reader.
class HandoffObject {
 public:
  HandoffObject(const nlohmann::json& json, std::size_t members) : json_(json) {
    if (!json.is_object() || json.size() != members) throw fault("an object");
  }

  [[nodiscard]] const nlohmann::json& member(const char* name) const {
    const auto found = json_.find(name);
    if (found == json_.end()) throw fault(name);
    return *found;
  }

  template <class Value>
  [[nodiscard]] Value text(const char* name) const {
    const auto* text = member(name).get_ptr<const nlohmann::json::string_t*>();
    if (text == nullptr) throw fault(name);
    std::optional<Value> value = Value::parse(*text);
    if (!value || value->value() != *text) throw fault(name);  // blanks at an end: not ours
    return *std::move(value);
  }

  [[nodiscard]] std::int64_t integer(const char* name, std::int64_t least) const {
    const nlohmann::json& number = member(name);
    if (!number.is_number_integer()) throw fault(name);
    if (number.is_number_unsigned() &&
        number.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
      throw fault(name);
    }
    const auto value = number.get<std::int64_t>();
    if (value < least) throw fault(name);
    return value;
  }

  [[nodiscard]] Timestamp time(const char* name) const {
    return Timestamp(Duration(integer(name, std::numeric_limits<std::int64_t>::min())));
  }

 private:
  static InvalidValueError fault(const char* name) {
    return InvalidValueError(std::string("not the handoff JSON of an attempt: ") + name);
  }

  const nlohmann::json& json_;
};

}  // namespace detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_DETAIL_JSON_HANDOFF_HPP
