// SPDX-License-Identifier: MIT
#include "nexus/idempotency/http/key_header.hpp"

#include <algorithm>
#include <utility>

#include "nexus/idempotency/errors.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace {

constexpr bool is_printable_ascii(char c) noexcept {
  return c >= 0x20 && c <= 0x7E;
}

std::string_view trim_blanks(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Reads a string of structured fields; `value` begins with its quote.
std::variant<std::string, KeyHeaderFault> parse_quoted(std::string_view value) {
  std::string key;
  std::size_t at = 1;
  for (; at < value.size() && value[at] != '"'; ++at) {
    if (value[at] == '\\') {
      ++at;
      if (at == value.size() || (value[at] != '"' && value[at] != '\\')) {
        return KeyHeaderFault::malformed;
      }
    }
    key += value[at];
  }
  if (at == value.size()) return KeyHeaderFault::malformed;
  const std::string_view rest = trim_blanks(value.substr(at + 1));
  if (rest.starts_with(';')) return KeyHeaderFault::parameters;
  if (rest.starts_with(',')) return KeyHeaderFault::several;
  if (!rest.empty()) return KeyHeaderFault::malformed;
  return key;
}

std::variant<std::string, KeyHeaderFault> parse_bare(std::string_view value,
                                                     const KeyHeaderOptions& options) {
  // Two fields that a proxy has joined look so, and a string with parameters does.
  if (value.find(',') != std::string_view::npos) return KeyHeaderFault::several;
  if (value.find(';') != std::string_view::npos) return KeyHeaderFault::parameters;
  if (!options.allow_bare) return KeyHeaderFault::bare;
  if (value.find(' ') != std::string_view::npos || value.find('"') != std::string_view::npos) {
    return KeyHeaderFault::malformed;
  }
  return std::string(value);
}

}  // namespace

std::variant<ClientKey, KeyHeaderFault> parse_key(std::string_view value,
                                                  const KeyHeaderOptions& options) {
  value = trim_blanks(value);
  if (value.empty()) return KeyHeaderFault::empty;
  if (!std::all_of(value.begin(), value.end(), is_printable_ascii)) {
    return KeyHeaderFault::not_ascii;
  }
  const std::variant<std::string, KeyHeaderFault> parsed =
      value.front() == '"' ? parse_quoted(value) : parse_bare(value, options);
  if (const auto* fault = std::get_if<KeyHeaderFault>(&parsed)) return *fault;
  const std::string& key = std::get<std::string>(parsed);
  if (key.empty()) return KeyHeaderFault::empty;
  if (key.size() > std::min(options.max_length, ClientKey::max_length)) {
    return KeyHeaderFault::too_long;
  }
  // A ClientKey is trimmed: without this, `" a"` and `"a"` would be one key.
  if (key.front() == ' ' || key.back() == ' ') return KeyHeaderFault::padded;
  return ClientKey(key);
}

std::variant<ClientKey, KeyHeaderFault> find_key(const HeaderFields& headers,
                                                 const KeyHeaderOptions& options) {
  const std::string* value = nullptr;
  for (const auto& [name, text] : headers) {
    if (!same_header_name(name, options.name)) continue;
    if (value != nullptr) return KeyHeaderFault::several;
    value = &text;
  }
  if (value == nullptr) return KeyHeaderFault::missing;
  return parse_key(*value, options);
}

std::string key_header_value(const ClientKey& key) {
  std::string value = "\"";
  for (const char c : key.value()) {
    if (!is_printable_ascii(c)) {
      throw InvalidValueError("a key with other than printable ASCII fits into no header field");
    }
    if (c == '"' || c == '\\') value += '\\';
    value += c;
  }
  return value + "\"";
}

}  // namespace v0
}  // namespace nexus::idempotency
