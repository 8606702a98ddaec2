// SPDX-License-Identifier: MIT
#include "fingerprint/json_parts.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "fingerprint/json_number.hpp"
#include "fingerprint/json_string.hpp"

namespace nexus::idempotency::fingerprint {
namespace {

// Of an object that is being read: where its name is, and its canonical text with a comma behind;
// no text if it is dropped.
struct Member {
  std::size_t name_at;
  std::size_t name_size;
  std::size_t text_at;
  std::size_t text_size;
};

// A place in the text, as far as the pointers are concerned.
struct Place {
  std::vector<std::size_t> includes;  // the pointers that lead to it or go on from it
  std::vector<std::size_t> excludes;
  bool dropped = false;  // it is excluded, or within what is
};

// An array or object that is being read.
struct Open {
  bool is_object;
  Place place;
  std::size_t text_at;
  std::size_t names_at;
  std::size_t members_at;
  Place next{};           // of the child that is being read
  std::size_t index = 0;  // of that child, in an array
};

// Receives what nlohmann's parser reads; `false` stops it. The canonical text grows at its end; an
// object's members are put in order when it ends.
class Reader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  Reader(const JsonRules& rules, std::size_t text_size) : rules_(rules), parts_{{}, {}} {
    parts_.included.resize(rules.include.size());
    for (std::size_t i = 0; i < rules.include.size(); ++i) root_.includes.push_back(i);
    for (std::size_t i = 0; i < rules.exclude.size(); ++i) root_.excludes.push_back(i);
    text_.reserve(text_size);
    names_.reserve(64);
    members_.reserve(8);
    open_.reserve(4);
  }

  [[nodiscard]] JsonFault fault() const noexcept { return fault_; }
  [[nodiscard]] JsonParts take() { return std::move(parts_); }

  bool null() override { return scalar("null"); }
  bool boolean(bool value) override { return scalar(value ? "true" : "false"); }
  bool number_unsigned(std::uint64_t value) override { return integer(value); }
  // Of a text without a minus, number_unsigned is told; so a zero is -0.
  bool number_integer(std::int64_t value) override {
    return value == 0 ? number("-0", 0) : integer(value);
  }
  // A fraction, or an integer of more than 64 bits: the token tells all of it.
  bool number_float(double value, const std::string& token) override {
    return number(token, value);
  }
  bool string(std::string& value) override {
    const Place& place = next_place();
    const std::size_t at = text_.size();
    append_string(text_, value);
    return value_ends(at, place);
  }
  bool binary(nlohmann::json::binary_t&) override { return stop(JsonFault::syntax); }

  bool start_object(std::size_t) override { return open(true); }
  bool start_array(std::size_t) override { return open(false); }

  bool key(std::string& name) override {
    Open& object = open_.back();
    if (!object.place.includes.empty() || !object.place.excludes.empty()) {
      object.next = child_of(object.place, name);
    } else {
      object.next.dropped = object.place.dropped;
    }
    members_.push_back({names_.size(), name.size(), text_.size(), 0});
    names_ += name;
    append_string(text_, name);
    text_ += ':';
    return true;
  }

  bool end_object() override {
    const Open& object = open_.back();
    if (!put_in_order(object)) return stop(JsonFault::duplicate_member);
    names_.resize(object.names_at);
    members_.erase(first_of(object), members_.end());
    return close('}');
  }

  bool end_array() override { return close(']'); }

  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::detail::exception& error) override {
    constexpr int number_overflow = 406;
    return stop(error.id == number_overflow ? JsonFault::number_out_of_range : JsonFault::syntax);
  }

 private:
  bool stop(JsonFault fault) {
    fault_ = fault;
    return false;
  }

  // Returns: the place of the child `token` of what is at `parent`.
  [[nodiscard]] Place child_of(const Place& parent, std::string_view token) const {
    // The pointers that have led to here differ in length by what is still to come.
    const std::size_t depth = open_.size() - 1;
    Place child;
    child.dropped = parent.dropped;
    for (const std::size_t i : parent.includes) {
      const std::vector<std::string>& tokens = rules_.include[i].tokens;
      if (tokens.size() > depth && tokens[depth] == token) child.includes.push_back(i);
    }
    for (const std::size_t i : parent.excludes) {
      const std::vector<std::string>& tokens = rules_.exclude[i].tokens;
      if (tokens.size() <= depth || tokens[depth] != token) continue;
      child.excludes.push_back(i);
      if (tokens.size() == depth + 1) child.dropped = true;
    }
    return child;
  }

  // The place of the value that comes next.
  Place& next_place() {
    if (open_.empty()) return root_;
    Open& parent = open_.back();
    if (!parent.is_object) {
      if (!parent.place.includes.empty() || !parent.place.excludes.empty()) {
        parent.next = child_of(parent.place, std::to_string(parent.index));
      } else {
        parent.next.dropped = parent.place.dropped;
      }
    }
    return parent.next;
  }

  bool open(bool is_object) {
    if (open_.size() >= rules_.max_depth) return stop(JsonFault::too_deep);
    Place place = next_place();
    open_.push_back({is_object, std::move(place), text_.size(), names_.size(), members_.size()});
    text_ += is_object ? '{' : '[';
    return true;
  }

  // Ends what was opened last.
  bool close(char bracket) {
    if (text_.back() == ',') {
      text_.back() = bracket;
    } else {
      text_ += bracket;
    }
    const std::size_t at = open_.back().text_at;
    const Place place = std::move(open_.back().place);
    open_.pop_back();
    return value_ends(at, place);
  }

  bool scalar(std::string_view text) {
    const Place& place = next_place();
    const std::size_t at = text_.size();
    text_ += text;
    return value_ends(at, place);
  }

  template <class Integer>
  bool integer(Integer value) {
    std::array<char, 20> text;  // takes -2^63 and 2^64 - 1
    const char* const end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    const std::string_view token(text.data(), static_cast<std::size_t>(end - text.data()));
    if (rules_.numbers == JsonNumbers::exact) return scalar(token);
    return number(token, static_cast<double>(value));
  }

  bool number(std::string_view token, double rounded) {
    std::optional<Decimal> decimal = rules_.numbers == JsonNumbers::exact
                                         ? decimal_of(token)
                                         : std::optional(shortest_decimal(rounded));
    if (!decimal) return stop(JsonFault::number_out_of_range);
    if (rules_.numbers == JsonNumbers::binary64 && decimal->digits.empty()) {
      decimal->negative = false;
    }
    return scalar(ecmascript_text(*decimal));
  }

  // A value is complete: the text from `at` on. What was opened last is its parent.
  bool value_ends(std::size_t at, const Place& place) {
    if (!place.dropped) {
      for (const std::size_t i : place.includes) {
        if (rules_.include[i].tokens.size() == open_.size()) {
          parts_.included[i] = text_.substr(at);
        }
      }
    }
    if (open_.empty()) return true;
    Open& parent = open_.back();
    text_ += ',';
    if (parent.is_object) {
      Member& member = members_.back();
      if (place.dropped) text_.resize(member.text_at);
      member.text_size = text_.size() - member.text_at;
    } else {
      ++parent.index;
      if (place.dropped) text_.resize(at);
    }
    return true;
  }

  using Members = std::vector<Member>;

  [[nodiscard]] Members::iterator first_of(const Open& object) {
    return members_.begin() + static_cast<Members::difference_type>(object.members_at);
  }

  // Effects: puts the members of what was opened last in the order of their names.
  // Returns: whether no two have the same.
  bool put_in_order(const Open& object) {
    const auto name_of = [&](const Member& member) {
      return std::string_view(names_.data() + member.name_at, member.name_size);
    };
    const auto less = [&](const Member& a, const Member& b) {
      return utf16_less(name_of(a), name_of(b));
    };
    const auto not_less = [&](const Member& a, const Member& b) { return !less(a, b); };
    const auto first = first_of(object);
    const auto last = members_.end();
    if (std::adjacent_find(first, last, not_less) == last) return true;
    std::sort(first, last, less);
    if (std::adjacent_find(first, last, not_less) != last) return false;
    const std::size_t at = object.text_at + 1;
    as_read_.assign(text_, at);
    text_.resize(at);
    for (auto member = first; member != last; ++member) {
      text_.append(as_read_, member->text_at - at, member->text_size);
    }
    return true;
  }

  const JsonRules& rules_;
  Place root_;
  std::vector<Open> open_;
  Members members_;    // of the open objects
  std::string names_;  // of these members
  JsonParts parts_;
  std::string& text_ = parts_.whole;
  std::string as_read_;  // the members of an object that is being put in order
  JsonFault fault_ = JsonFault::syntax;
};

}  // namespace

std::variant<JsonParts, JsonFault> read_json(std::string_view text, const JsonRules& rules) {
  // nlohmann's parser takes a NUL for the end of the text, and skips a byte order mark.
  if (text.find('\0') != std::string_view::npos || text.starts_with("\xEF\xBB\xBF")) {
    return JsonFault::syntax;
  }
  Reader reader(rules, text.size());
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &reader)) return reader.fault();
  return reader.take();
}

}  // namespace nexus::idempotency::fingerprint

namespace nexus::idempotency {
inline namespace v0 {

std::variant<std::string, JsonFault> canonical_json(std::string_view text, JsonNumbers numbers,
                                                    std::size_t max_depth) {
  fingerprint::JsonRules rules;
  rules.numbers = numbers;
  rules.max_depth = std::min(max_depth, json_depth_limit);
  std::variant<fingerprint::JsonParts, JsonFault> read = fingerprint::read_json(text, rules);
  if (const auto* fault = std::get_if<JsonFault>(&read)) return *fault;
  return std::get<fingerprint::JsonParts>(std::move(read)).whole;
}

}  // namespace v0
}  // namespace nexus::idempotency
