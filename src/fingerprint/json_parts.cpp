// SPDX-License-Identifier: MIT
#include "fingerprint/json_parts.hpp"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "fingerprint/json_number.hpp"
#include "nexus/idempotency/detail/json_text.hpp"

namespace nexus::idempotency::fingerprint {
namespace {

std::string json_string(std::string_view text) {
  const std::size_t size = detail::escaped_size(text);
  std::string out(size + 2, '"');
  detail::write_escaped(out.data() + 1, text, size);
  return out;
}

// The order of UTF-16 code units. It is that of the bytes of UTF-8, except that what takes a
// surrogate pair (first byte F0 to F4) comes before U+E000 to U+FFFF (first byte EE or EF).
bool utf16_less(std::string_view a, std::string_view b) noexcept {
  const auto [at_a, at_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (at_a == a.end() || at_b == b.end()) return at_a == a.end() && at_b != b.end();
  const auto rank = [](char byte) {
    const auto code = static_cast<unsigned char>(byte);
    return code == 0xEE || code == 0xEF ? code + 0x100 : int{code};
  };
  return rank(*at_a) < rank(*at_b);
}

struct Member {
  std::string name;
  std::string text;
  bool dropped;
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
  Place next;             // of the child that is being read
  std::string name;       // of that child, in an object
  std::size_t index = 0;  // of that child, in an array
  std::string elements;   // of an array: those so far, joined
  std::vector<Member> members;
};

// Receives what nlohmann's parser reads; `false` stops it.
class Reader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Reader(const JsonRules& rules) : rules_(rules), parts_{{}, {}} {
    parts_.included.resize(rules.include.size());
    for (std::size_t i = 0; i < rules.include.size(); ++i) root_.includes.push_back(i);
    for (std::size_t i = 0; i < rules.exclude.size(); ++i) root_.excludes.push_back(i);
  }

  [[nodiscard]] JsonFault fault() const noexcept { return fault_; }
  [[nodiscard]] JsonParts take() { return std::move(parts_); }

  bool null() override { return scalar("null"); }
  bool boolean(bool value) override { return scalar(value ? "true" : "false"); }
  bool number_unsigned(std::uint64_t value) override {
    return number(std::to_string(value), static_cast<double>(value));
  }
  // Of a text without a minus, number_unsigned is told; so a zero is -0.
  bool number_integer(std::int64_t value) override {
    return number(value == 0 ? "-0" : std::to_string(value), static_cast<double>(value));
  }
  // A fraction, or an integer of more than 64 bits: the token tells all of it.
  bool number_float(double value, const std::string& token) override {
    return number(token, value);
  }
  bool string(std::string& value) override { return scalar(json_string(value)); }
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
    object.name = std::move(name);
    return true;
  }

  bool end_object() override {
    std::vector<Member>& members = open_.back().members;
    std::sort(members.begin(), members.end(),
              [](const Member& a, const Member& b) { return utf16_less(a.name, b.name); });
    const auto same = [](const Member& a, const Member& b) { return a.name == b.name; };
    if (std::adjacent_find(members.begin(), members.end(), same) != members.end()) {
      return stop(JsonFault::duplicate_member);
    }
    std::string text = "{";
    for (const Member& member : members) {
      if (member.dropped) continue;
      if (text.size() > 1) text += ',';
      text.append(json_string(member.name)).append(":").append(member.text);
    }
    return close(std::move(text) + "}");
  }

  bool end_array() override { return close("[" + open_.back().elements + "]"); }

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
    open_.push_back({is_object, std::move(place), {}, {}, 0, {}, {}});
    return true;
  }

  bool close(std::string text) {
    const Place place = std::move(open_.back().place);
    open_.pop_back();
    return value(std::move(text), place);
  }

  bool scalar(std::string text) { return value(std::move(text), next_place()); }

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

  // A value is complete, and what was opened last is its parent.
  bool value(std::string text, const Place& place) {
    if (!place.dropped) {
      for (const std::size_t i : place.includes) {
        if (rules_.include[i].tokens.size() == open_.size()) parts_.included[i] = text;
      }
    }
    if (open_.empty()) {
      parts_.whole = std::move(text);
      return true;
    }
    Open& parent = open_.back();
    const bool dropped = place.dropped;
    if (parent.is_object) {
      if (dropped) text.clear();
      parent.members.push_back({std::move(parent.name), std::move(text), dropped});
    } else {
      ++parent.index;
      if (!dropped) {
        if (!parent.elements.empty()) parent.elements += ',';
        parent.elements += text;
      }
    }
    return true;
  }

  const JsonRules& rules_;
  Place root_;
  std::vector<Open> open_;
  JsonParts parts_;
  JsonFault fault_ = JsonFault::syntax;
};

}  // namespace

std::variant<JsonParts, JsonFault> read_json(std::string_view text, const JsonRules& rules) {
  // nlohmann's parser takes a NUL for the end of the text, and skips a byte order mark.
  if (text.find('\0') != std::string_view::npos || text.starts_with("\xEF\xBB\xBF")) {
    return JsonFault::syntax;
  }
  Reader reader(rules);
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
