// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_DETAIL_TEXT_HPP
#define NEXUS_IDEMPOTENCY_DETAIL_TEXT_HPP

// What the five text values have in common: the rules that make a byte string acceptable, and a
// storage that copies without allocating.

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "nexus/idempotency/detail/shared_bytes.hpp"
#include "nexus/idempotency/detail/utf8.hpp"
#include "nexus/idempotency/detail/words.hpp"
#include "nexus/idempotency/errors.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace detail {

// An immutable byte string: up to `Capacity` bytes in the object, longer ones in a shared block.
// A copy never allocates and never throws. There is no move: a moved-from value keeps its bytes,
// so that no value is ever empty.
template <std::size_t Capacity>
class TextStorage {
  static_assert(Capacity < 255 && (Capacity + 1) % alignof(SharedBytes) == 0);

 public:
  explicit TextStorage(std::string_view bytes)
      : TextStorage(bytes.size(), [bytes](char* out) noexcept { copy_text(out, bytes); }) {}

  // Effects: makes a string of `size` bytes, which `fill(char*)` must all write.
  // Errors: std::bad_alloc. `fill` does not throw.
  template <class Fill>
  TextStorage(std::size_t size, Fill&& fill) {
    if (size <= Capacity) {
      fill(reinterpret_cast<char*>(raw_));
      raw_[Capacity] = static_cast<unsigned char>(size);
    } else {
      ::new (static_cast<void*>(raw_)) SharedBytes(size, std::forward<Fill>(fill));
      raw_[Capacity] = is_shared;
    }
  }

  TextStorage(const TextStorage& other) noexcept { copy_from(other); }
  TextStorage& operator=(const TextStorage& other) noexcept {
    if (this != &other) {
      drop();
      copy_from(other);
    }
    return *this;
  }
  ~TextStorage() { drop(); }

  [[nodiscard]] std::string_view view() const noexcept {
    if (raw_[Capacity] == is_shared) return shared().view();
    return {reinterpret_cast<const char*>(raw_), raw_[Capacity]};
  }

 private:
  static constexpr unsigned char is_shared = 255;

  const SharedBytes& shared() const noexcept {
    return *std::launder(reinterpret_cast<const SharedBytes*>(raw_));
  }
  void copy_from(const TextStorage& other) noexcept {
    if (other.raw_[Capacity] == is_shared) {
      ::new (static_cast<void*>(raw_)) SharedBytes(other.shared());
      raw_[Capacity] = is_shared;
    } else {
      std::memcpy(raw_, other.raw_, sizeof(raw_));
    }
  }
  void drop() noexcept {
    if (raw_[Capacity] == is_shared) shared().~SharedBytes();
  }

  // The last byte is the size, or is_shared, and then the first bytes are a SharedBytes. Bytes
  // beyond the size are left as they are: zeroing them costs more than all the rest of a copy.
  alignas(SharedBytes) unsigned char raw_[Capacity + 1];
};

// Returns: `text` without " \t\n\r\0\x0B" at either end.
[[nodiscard]] constexpr std::string_view trim(std::string_view text) noexcept {
  constexpr auto is_blank = [](char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0' || c == '\x0B';
  };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Makes values of bytes that are known to obey their type's rules, without checking them: bytes
// that have been such a value before, or that the library itself has made.
struct TextAccess {
  template <class Fill>
  struct Unchecked {
    std::size_t size;
    Fill& fill;
  };
  // Errors: std::bad_alloc. `fill(char*)` must write `size` bytes and not throw.
  template <class Value, class Fill>
  [[nodiscard]] static Value made(std::size_t size, Fill&& fill) {
    return Value(Unchecked<Fill>{size, fill});
  }
  template <class Value>
  [[nodiscard]] static Value unchecked(std::string_view bytes) {
    return made<Value>(bytes.size(), [bytes](char* out) noexcept { copy_text(out, bytes); });
  }
};

// The base of a text value: `Value` derives from it and has `max_length` and `type_name`.
// Two values are equal when their trimmed bytes are; nothing is folded or normalised.
template <class Value, std::size_t Capacity>
class Text {
 public:
  // Up to so many bytes, a value holds them itself, and making one allocates nothing.
  static constexpr std::size_t inline_capacity = Capacity;

  explicit Text(std::string_view text) : storage_(require(trim(text))) {}
  template <class Fill>
  explicit Text(TextAccess::Unchecked<Fill> known) : storage_(known.size, known.fill) {}

  // Returns: the value, or nothing where the constructor would throw InvalidValueError.
  // For text that a client sent. Errors: std::bad_alloc.
  [[nodiscard]] static std::optional<Value> parse(std::string_view text) {
    const std::string_view trimmed = trim(text);
    if (fault_of(trimmed) != nullptr) return std::nullopt;
    return TextAccess::unchecked<Value>(trimmed);
  }

  // Returns: the trimmed bytes. Lifetimes: as long as this object.
  [[nodiscard]] std::string_view value() const noexcept { return storage_.view(); }

  [[nodiscard]] friend bool operator==(const Text& a, const Text& b) noexcept {
    return a.value() == b.value();
  }
  [[nodiscard]] friend std::strong_ordering operator<=>(const Text& a, const Text& b) noexcept {
    return a.value() <=> b.value();
  }

 private:
  static const char* fault_of(std::string_view trimmed) noexcept {
    if (trimmed.empty()) return " must not be empty";
    if (trimmed.size() > Value::max_length) return " is too long";
    if (!is_utf8(trimmed)) return " must be valid UTF-8";
    return nullptr;
  }
  static std::string_view require(std::string_view trimmed) {
    if (const char* fault = fault_of(trimmed)) {
      throw InvalidValueError(std::string(Value::type_name) + fault);
    }
    return trimmed;
  }

  TextStorage<Capacity> storage_;
};

template <class Value>
struct TextHash {
  [[nodiscard]] std::size_t operator()(const Value& value) const noexcept {
    return std::hash<std::string_view>{}(value.value());
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_DETAIL_TEXT_HPP
