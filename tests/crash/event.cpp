// SPDX-License-Identifier: MIT
#include "crash/event.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string>
#include <system_error>

namespace nexus::idempotency::test {
namespace {

constexpr std::string_view first_word = "E";
constexpr std::string_view last_word = ".";  // what a torn line lacks

std::string_view next_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

template <class Number>
bool read(std::string_view& line, Number& number) {
  const std::string_view word = next_word(line);
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  return error == std::errc{} && end == word.data() + word.size();
}

}  // namespace

std::string to_line(const Event& event) {
  std::string line = "\n";
  const auto add = [&](std::string_view word) { line.append(word).append(1, ' '); };
  add(first_word);
  add(std::to_string(event.worker));
  add(to_string(event.what));
  add(std::to_string(event.key));
  add(std::to_string(event.fence));
  add(std::to_string(event.from));
  add(std::to_string(event.until));
  add(std::to_string(event.wall));
  add(event.detail);
  line.append(last_word).append(1, '\n');
  return line;
}

std::optional<Event> parse_line(std::string_view line) {
  Event event;
  if (next_word(line) != first_word || !read(line, event.worker)) return std::nullopt;
  const std::string_view name = next_word(line);
  const auto* const found = std::find(event_names.begin(), event_names.end(), name);
  if (found == event_names.end()) return std::nullopt;
  event.what = static_cast<What>(found - event_names.begin());
  if (!read(line, event.key) || !read(line, event.fence) || !read(line, event.from) ||
      !read(line, event.until) || !read(line, event.wall)) {
    return std::nullopt;
  }
  event.detail = next_word(line);
  if (event.detail.empty() || line != last_word) return std::nullopt;
  return event;
}

}  // namespace nexus::idempotency::test
