// SPDX-License-Identifier: MIT
// What the parser of Idempotency-Key accepts is what a client would send for that key, and what it
// refuses it refuses for the reason that a second, slower look finds.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "nexus/idempotency/http/key_header.hpp"

namespace {

using namespace nexus::idempotency;

void require(bool condition) {
  if (!condition) std::abort();
}

bool has(std::string_view text, std::string_view bytes) {
  return text.find_first_of(bytes) != std::string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view value(reinterpret_cast<const char*>(data), size);
  KeyHeaderOptions quoted_only;
  quoted_only.allow_bare = false;
  const std::variant<ClientKey, KeyHeaderFault> parsed = parse_key(value);
  const std::variant<ClientKey, KeyHeaderFault> strict = parse_key(value, quoted_only);
  require(find_key({{"idempotency-key", std::string(value)}}) == parsed);
  // Blanks around the value make no difference.
  require(parse_key(" \t" + std::string(value) + "\t ") == parsed);

  if (const auto* key = std::get_if<ClientKey>(&parsed)) {
    const std::string_view text = key->value();
    require(!text.empty() && text.size() <= ClientKey::max_length);
    require(std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7E; }));
    const std::string sent = key_header_value(*key);
    require(parse_key(sent, quoted_only) == parsed);
    require(parse_key(sent + ";a") ==
            std::variant<ClientKey, KeyHeaderFault>(KeyHeaderFault::parameters));
    require(parse_key(sent + "," + sent) ==
            std::variant<ClientKey, KeyHeaderFault>(KeyHeaderFault::several));
    // Either it is that string, or it is bare.
    const bool is_string = value.find(sent) != std::string_view::npos;
    require(is_string ? strict == parsed
                      : std::get<KeyHeaderFault>(strict) == KeyHeaderFault::bare);
    if (!is_string) require(value.find(text) != std::string_view::npos && !has(text, "\",; "));
    return 0;
  }

  const KeyHeaderFault fault = std::get<KeyHeaderFault>(parsed);
  const std::string_view content = value;
  const bool ascii = std::all_of(content.begin(), content.end(),
                                 [](char c) { return (c >= 0x20 && c <= 0x7E) || c == '\t'; });
  require(fault != KeyHeaderFault::missing && fault != KeyHeaderFault::bare);
  if (!ascii) require(fault == KeyHeaderFault::not_ascii);
  if (!has(content, ",")) require(fault != KeyHeaderFault::several);
  if (!has(content, ";")) require(fault != KeyHeaderFault::parameters);
  if (fault == KeyHeaderFault::too_long) require(size > ClientKey::max_length);
  if (fault == KeyHeaderFault::padded) require(has(content, "\"") && has(content, " "));
  if (fault == KeyHeaderFault::empty) require(!has(content, "abc;,\\"));
  return 0;
}
