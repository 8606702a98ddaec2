// SPDX-License-Identifier: MIT
#include "fingerprint/body_kind.hpp"

#include <cstddef>

namespace nexus::idempotency::fingerprint {
namespace {

constexpr int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Cuts `text` at the first `mark`. Returns: what is before it; `text` is left with what follows.
std::string_view cut(std::string_view& text, char mark) noexcept {
  const std::size_t at = text.find(mark);
  const std::string_view before = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  return before;
}

// Returns: whether the parameters name no charset, or UTF-8. One in quotes that hold a semicolon
// is not understood, and reads as another charset.
bool is_utf8_by(std::string_view parameters) {
  while (!parameters.empty()) {
    std::string_view value = cut(parameters, ';');
    const std::string_view name = cut(value, '=');
    if (lower_case(trim_blanks(name)) != "charset") continue;
    const std::string charset = lower_case(trim_blanks(value));
    if (charset != "utf-8" && charset != "\"utf-8\"") return false;
  }
  return true;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string small(text);
  for (char& c : small) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return small;
}

std::string_view trim_blanks(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

MediaType media_type(std::string_view content_type) {
  std::string_view parameters = content_type;
  std::string type = lower_case(trim_blanks(cut(parameters, ';')));
  if (is_utf8_by(parameters)) {
    if (type == "application/json" || type == "text/json" || type.ends_with("+json")) {
      return {BodyKind::json, std::move(type)};
    }
    if (type == "application/x-www-form-urlencoded") return {BodyKind::form, std::move(type)};
  }
  return {BodyKind::bytes, std::string(trim_blanks(content_type))};
}

std::optional<FormPairs> form_pairs(std::string_view body) {
  FormPairs pairs;
  while (!body.empty()) {
    std::string_view value = cut(body, '&');
    if (value.empty()) continue;
    std::optional<std::string> name = decoded(cut(value, '='));
    std::optional<std::string> text = decoded(value);
    if (!name || !text) return std::nullopt;
    pairs.emplace_back(*std::move(name), *std::move(text));
  }
  return pairs;
}

}  // namespace nexus::idempotency::fingerprint
