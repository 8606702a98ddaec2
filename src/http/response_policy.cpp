// SPDX-License-Identifier: MIT
#include "nexus/idempotency/http/response_policy.hpp"

#include <algorithm>
#include <string_view>

namespace nexus::idempotency {
inline namespace v0 {
namespace {

// Returns: whether `name` is an element of a list such as "close, X-Trace".
bool lists(std::string_view list, std::string_view name) noexcept {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view element = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    element.remove_prefix(std::min(element.find_first_not_of(" \t"), element.size()));
    element = element.substr(0, element.find_last_not_of(" \t") + 1);
    if (same_header_name(element, name)) return true;
  }
  return false;
}

}  // namespace

bool ResponsePolicy::is_result(const HttpResponse& response) const {
  if (response.status < 200 || response.status > 599) return false;
  if (decide) return decide(response);
  return response.status < 500 && std::find(retryable_statuses.begin(), retryable_statuses.end(),
                                            response.status) == retryable_statuses.end();
}

HeaderFields ResponsePolicy::storable(const HeaderFields& headers) const {
  const auto unstored = [&](std::string_view name) {
    return std::any_of(unstored_headers.begin(), unstored_headers.end(),
                       [&](const std::string& other) { return same_header_name(name, other); });
  };
  const auto of_this_connection = [&](std::string_view name) {
    return std::any_of(headers.begin(), headers.end(), [&](const auto& field) {
      return same_header_name(field.first, "Connection") && lists(field.second, name);
    });
  };
  HeaderFields kept;
  for (const auto& [name, value] : headers) {
    if (is_header_name(name) && is_header_value(value) && !unstored(name) &&
        !of_this_connection(name)) {
      kept.emplace_back(name, value);
    }
  }
  return kept;
}

}  // namespace v0
}  // namespace nexus::idempotency
