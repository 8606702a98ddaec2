// SPDX-License-Identifier: MIT
// The canonical form is a fixed point, and parses to a value equal to that of the text; what has
// none is no JSON, or is refused for a reason of its own.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "nexus/idempotency/fingerprint.hpp"

namespace {

using namespace nexus::idempotency;

void require(bool condition) {
  if (!condition) std::abort();
}

std::string form_of(std::string_view text, JsonNumbers numbers) {
  return std::get<std::string>(canonical_json(text, numbers));
}

// Without blanks between the tokens: what is outside of strings holds none.
void require_compact(std::string_view form) {
  bool in_string = false;
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] == '"') in_string = !in_string;
    if (in_string && form[i] == '\\') ++i;
    require(in_string || std::string_view(" \t\r\n").find(form[i]) == std::string_view::npos);
  }
}

// All objects of `json` in reverse order, to see that the order makes no difference.
std::string reversed(const nlohmann::json& json) {
  if (!json.is_structured()) return json.dump();
  std::string text;
  for (const auto& item : json.items()) {
    const std::string value = reversed(item.value());
    const std::string comma = text.empty() ? "" : ",";
    text = json.is_array() ? text + comma + value
                           : nlohmann::json(item.key()).dump() + ":" + value + comma + text;
  }
  return json.is_array() ? "[" + text + "]" : "{" + text + "}";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const JsonNumbers numbers : {JsonNumbers::exact, JsonNumbers::binary64}) {
    const std::variant<std::string, JsonFault> canonical = canonical_json(text, numbers);
    const nlohmann::json value = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (const auto* fault = std::get_if<JsonFault>(&canonical)) {
      // Where only JSON is at fault, nlohmann has none either, two things apart that it lets pass.
      const bool lenient = text.find('\0') != text.npos || text.starts_with("\xEF\xBB\xBF");
      if (*fault == JsonFault::syntax && !lenient) require(value.is_discarded());
      continue;
    }
    const std::string& form = std::get<std::string>(canonical);
    require(!value.is_discarded());
    if (numbers == JsonNumbers::exact) require(nlohmann::json::parse(form) == value);
    require(form_of(form, numbers) == form);
    require_compact(form);
    require(form_of(" " + form + "\n", numbers) == form);
    // Doubles: nlohmann's own spelling and order of the value lead to the same form.
    if (numbers == JsonNumbers::binary64) require(form_of(reversed(value), numbers) == form);
  }
  return 0;
}
