// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_POSTGRES_PARAMETERS_HPP
#define NEXUS_IDEMPOTENCY_POSTGRES_PARAMETERS_HPP

// The parameters of one statement, as libpq takes them, all in binary format.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace nexus::idempotency::postgres {

// Lifetimes: bytes are borrowed.
class Parameters {
 public:
  static constexpr std::size_t capacity = 16;

  Parameters() = default;
  Parameters(const Parameters&) = delete;  // it points into itself
  Parameters& operator=(const Parameters&) = delete;

  void add_bytes(std::string_view bytes) noexcept {
    // Without bytes, data() may be null, which libpq would take for NULL.
    add(bytes.empty() ? "" : bytes.data(), bytes.size());
  }
  void add_bytes(const std::optional<std::string_view>& bytes) noexcept {
    bytes ? add_bytes(*bytes) : add_null();
  }
  // The most significant byte first; written out, it is one store.
  void add_bigint(std::int64_t number) noexcept {
    const auto byte = [number](unsigned shift) { return static_cast<char>(number >> shift); };
    numbers_[count_] = {byte(56), byte(48), byte(40), byte(32),
                        byte(24), byte(16), byte(8),  byte(0)};
    add(numbers_[count_].data(), 8);
  }
  void add_bigint(const std::optional<std::int64_t>& number) noexcept {
    number ? add_bigint(*number) : add_null();
  }
  void add_smallint(std::int64_t number) noexcept {
    numbers_[count_] = {static_cast<char>(number >> 8U), static_cast<char>(number)};
    add(numbers_[count_].data(), 2);
  }

  [[nodiscard]] int count() const noexcept { return static_cast<int>(count_); }
  [[nodiscard]] const char* const* values() const noexcept { return values_.data(); }
  [[nodiscard]] const int* lengths() const noexcept { return lengths_.data(); }
  [[nodiscard]] static const int* formats() noexcept {
    static constexpr std::array<int, capacity> binary{1, 1, 1, 1, 1, 1, 1, 1,
                                                      1, 1, 1, 1, 1, 1, 1, 1};
    return binary.data();
  }

 private:
  void add(const char* value, std::size_t length) noexcept {
    values_[count_] = value;
    lengths_[count_] = static_cast<int>(length);
    ++count_;
  }
  void add_null() noexcept { add(nullptr, 0); }

  std::array<const char*, capacity> values_;
  std::array<int, capacity> lengths_;
  std::array<std::array<char, 8>, capacity> numbers_;
  std::size_t count_ = 0;
};

}  // namespace nexus::idempotency::postgres

#endif  // NEXUS_IDEMPOTENCY_POSTGRES_PARAMETERS_HPP
