// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_POSTGRES_ROW_HPP
#define NEXUS_IDEMPOTENCY_POSTGRES_ROW_HPP

// The binary format of what the statements return. A record is one value of the table's row type:
// a count of fields, then for each its type, its length (-1: null) and its bytes.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "nexus/idempotency/errors.hpp"
#include "stores/stored_row.hpp"

namespace nexus::idempotency::postgres {

// Returns: `Width` bytes, the most significant one first. Written out, it is one load.
template <std::size_t Width>
[[nodiscard]] std::uint64_t big_endian(const char* bytes) noexcept {
  const auto byte = [bytes](std::size_t i) {
    return std::uint64_t{static_cast<unsigned char>(bytes[i])};
  };
  if constexpr (Width == 8) {
    return big_endian<4>(bytes) << 32U | big_endian<4>(bytes + 4);
  } else if constexpr (Width == 4) {
    return byte(0) << 24U | byte(1) << 16U | byte(2) << 8U | byte(3);
  } else if constexpr (Width == 2) {
    return byte(0) << 8U | byte(1);
  } else {
    static_assert(Width == 1);
    return byte(0);
  }
}

// Errors: StoreErrc::corrupt, as everything here, if the bytes are not what they should be.
template <std::size_t Width>
[[nodiscard]] std::int64_t read_number(std::string_view bytes) {
  if (bytes.size() != Width) {
    throw StoreError(StoreErrc::corrupt, "a stored number has another width");
  }
  // The sign, of what is narrower than 64 bits.
  constexpr unsigned unused = 64 - 8 * Width;
  return static_cast<std::int64_t>(big_endian<Width>(bytes.data()) << unused) >> unused;
}

// The fields of a row, one after the other.
class RowReader {
 public:
  explicit RowReader(std::string_view bytes) : rest_(bytes), fields_(read_number<4>(take(4))) {}

  [[nodiscard]] std::optional<std::string_view> next() {
    if (--fields_ < 0) throw cut_off();
    const std::string_view head = take(8);  // the type, then the length
    const std::int64_t length = read_number<4>(head.substr(4));
    if (length < 0) return std::nullopt;
    return take(static_cast<std::size_t>(length));
  }
  [[nodiscard]] std::string_view next_bytes() { return required(next()); }
  [[nodiscard]] std::int64_t next_bigint() { return read_number<8>(required(next())); }
  [[nodiscard]] std::int64_t next_smallint() { return read_number<2>(required(next())); }
  [[nodiscard]] std::optional<std::int64_t> next_bigint_or_null() {
    const auto bytes = next();
    if (!bytes) return std::nullopt;
    return read_number<8>(*bytes);
  }

 private:
  static StoreError cut_off() { return {StoreErrc::corrupt, "a stored row is cut off"}; }
  static std::string_view required(const std::optional<std::string_view>& bytes) {
    if (!bytes) throw StoreError(StoreErrc::corrupt, "a stored row has a null where none can be");
    return *bytes;
  }
  std::string_view take(std::size_t length) {
    if (rest_.size() < length) throw cut_off();
    const std::string_view taken = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return taken;
  }

  std::string_view rest_;
  std::int64_t fields_;
};

// Lifetimes: the row borrows `bytes`.
[[nodiscard]] inline stores::StoredRow read_row(std::string_view bytes) {
  RowReader fields(bytes);  // in the order of the columns in schema.sql
  stores::StoredRow row{};
  row.fence = fields.next_bigint();
  row.created_at = fields.next_bigint();
  row.last_transition_at = fields.next_bigint();
  row.expires_at = fields.next_bigint_or_null();
  row.status = fields.next_smallint();
  row.tenant = fields.next_bytes();
  row.operation = fields.next_bytes();
  row.client_key = fields.next_bytes();
  row.fingerprint = fields.next_bytes();
  row.attempt_token = fields.next_bytes();
  row.result = fields.next();
  return row;
}

}  // namespace nexus::idempotency::postgres

#endif  // NEXUS_IDEMPOTENCY_POSTGRES_ROW_HPP
