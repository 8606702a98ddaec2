// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_DETAIL_TEXT_HPP
#define NEXUS_IDEMPOTENCY_DETAIL_TEXT_HPP

// What the five text values have in common: the rules that make a byte string acceptable, and a
// storage that copies without allocating.

#include <algorithm>
#include <bit>
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
  static_assert(Capacity < 127 && (Capacity + 1) % 16 == 8);

 public:
  // `plain` is what is_plain(bytes) says, or false; it is remembered for a string in the object.
  // Errors: std::bad_alloc.
  TextStorage(std::string_view bytes, bool plain) {
    if (bytes.size() <= Capacity) {
      put(bytes, static_cast<unsigned char>(bytes.size() | (plain ? plain_flag : 0U)));
    } else {
      put_shared(bytes.size(), [bytes](char* out) noexcept { copy_text(out, bytes); });
    }
  }

  // Effects: makes a string of `size` bytes, which `fill(char*)` must all write.
  // Errors: std::bad_alloc. `fill` does not throw.
  template <class Fill>
  TextStorage(std::size_t size, Fill&& fill) {
    if (size <= Capacity) {
      fill(reinterpret_cast<char*>(raw_));
      raw_[Capacity] = static_cast<unsigned char>(size);
    } else {
      put_shared(size, std::forward<Fill>(fill));
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
    return {reinterpret_cast<const char*>(raw_), raw_[Capacity] & ~plain_flag};
  }

  // Returns: true only if is_plain(view()); false also if that is not known.
  [[nodiscard]] bool is_known_plain() const noexcept {
    return raw_[Capacity] >= plain_flag && raw_[Capacity] != is_shared;
  }

 private:
  static constexpr unsigned char is_shared = 255;
  static constexpr std::size_t plain_flag = 128;

  // Bytes are stored sixteen at a time, the last eight together with the size: a copy loads them
  // so, and a load that overlaps several recent stores, of which one is not all of it, has to wait
  // until they have reached the cache. It took a tenth of a replay.
  void put(std::string_view text, unsigned char size_and_flag) noexcept {
    if constexpr (std::endian::native != std::endian::little) {
      copy_text(reinterpret_cast<char*>(raw_), text);
      raw_[Capacity] = size_and_flag;
    } else {
      constexpr std::size_t last_at = Capacity - 7;
      std::uint64_t last = std::uint64_t{size_and_flag} << 56;
      const std::size_t whole = text.size() / 16 * 16;
      for (std::size_t i = 0; i < whole; i += 16) store(i, load_pair(text.data() + i));
      const WordPair rest = last_bytes(text, text.size() - whole);
      if (whole < last_at) {
        store(whole, rest);
      } else {
        last |= rest[0];
      }
      std::memcpy(raw_ + last_at, &last, sizeof last);
    }
  }
  void store(std::size_t at, WordPair pair) noexcept { std::memcpy(raw_ + at, &pair, sizeof pair); }
  template <class Fill>
  void put_shared(std::size_t size, Fill&& fill) {
    ::new (static_cast<void*>(raw_)) SharedBytes(size, std::forward<Fill>(fill));
    raw_[Capacity] = is_shared;
  }

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

  // The last byte is the size, with or without plain_flag; or is_shared, and then the first bytes
  // are a SharedBytes. Bytes beyond the size may be left as they are: zeroing them all costs more
  // than all the rest of a copy.
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
  struct Known {
    std::string_view bytes;
    bool plain;  // as TextStorage takes it
  };
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
    return Value(Known{bytes, false});
  }
  // Returns: true only if is_plain(value.value()); false also if that is not known.
  template <class Value>
  [[nodiscard]] static bool is_known_plain(const Value& value) noexcept {
    return value.storage_.is_known_plain();
  }
};

// The base of a text value: `Value` derives from it and has `max_length` and `type_name`.
// Two values are equal when their trimmed bytes are; nothing is folded or normalised.
template <class Value, std::size_t Capacity>
class Text {
 public:
  // Up to so many bytes, a value holds them itself, and making one allocates nothing.
  static constexpr std::size_t inline_capacity = Capacity;

  explicit Text(std::string_view text) : Text(require(looked_at(trim(text)))) {}
  explicit Text(TextAccess::Known known) : storage_(known.bytes, known.plain) {}
  template <class Fill>
  explicit Text(TextAccess::Unchecked<Fill> known) : storage_(known.size, known.fill) {}

  // Returns: the value, or nothing where the constructor would throw InvalidValueError.
  // For text that a client sent. Errors: std::bad_alloc.
  [[nodiscard]] static std::optional<Value> parse(std::string_view text) {
    const TextAccess::Known trimmed = looked_at(trim(text));
    if (fault_of(trimmed) != nullptr) return std::nullopt;
    return Value(trimmed);
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
  friend struct TextAccess;

  static TextAccess::Known looked_at(std::string_view trimmed) noexcept {
    return {trimmed, trimmed.size() <= Value::max_length && is_plain(trimmed)};
  }
  static const char* fault_of(TextAccess::Known trimmed) noexcept {
    if (trimmed.bytes.empty()) return " must not be empty";
    if (trimmed.bytes.size() > Value::max_length) return " is too long";
    if (!trimmed.plain && !is_utf8(trimmed.bytes)) return " must be valid UTF-8";
    return nullptr;
  }
  static TextAccess::Known require(TextAccess::Known trimmed) {
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
