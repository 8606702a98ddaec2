// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_RESULT_ENVELOPE_HPP
#define NEXUS_IDEMPOTENCY_RESULT_ENVELOPE_HPP

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include "nexus/idempotency/detail/shared_bytes.hpp"
#include "nexus/idempotency/errors.hpp"

namespace nexus::idempotency {
inline namespace v0 {

namespace detail {
struct ResultAccess;
}

// The recorded result of a command: opaque bytes that every replay gets back unchanged, or the
// mark that the command finished but its bytes were not kept (empty, or over the limit).
// Immutable; a copy shares the bytes and never allocates.
// Thread-safety: distinct objects, also copies of one another: safe.
class ResultEnvelope {
 public:
  static constexpr std::size_t max_bytes = 65536;

  // Errors: InvalidValueError unless 1 <= bytes.size() <= max_bytes; std::bad_alloc.
  explicit ResultEnvelope(std::string bytes) : bytes_(make(bytes)) {}

  // Returns: the envelope without bytes. It is not "no result": the command did finish.
  [[nodiscard]] static ResultEnvelope omitted() noexcept { return ResultEnvelope(); }

  // Returns: whether this is omitted(). A moved-from envelope is.
  [[nodiscard]] bool is_omitted() const noexcept { return !bytes_; }

  // Returns: the bytes; empty if omitted. Lifetimes: as long as any copy of this envelope.
  [[nodiscard]] std::string_view payload() const noexcept { return bytes_.view(); }

  [[nodiscard]] friend bool operator==(const ResultEnvelope& a, const ResultEnvelope& b) noexcept {
    return a.payload() == b.payload();  // bytes are never empty, so omitted equals only omitted
  }

 private:
  friend struct detail::ResultAccess;

  ResultEnvelope() noexcept = default;

  static detail::SharedBytes make(std::string_view bytes) {
    if (bytes.empty()) throw InvalidValueError("ResultEnvelope must not be empty");
    if (bytes.size() > max_bytes) throw InvalidValueError("ResultEnvelope is too long");
    return {bytes.size(),
            [bytes](char* out) noexcept { std::memcpy(out, bytes.data(), bytes.size()); }};
  }

  detail::SharedBytes bytes_;
};

namespace detail {

// For stores, which have the bytes in a buffer that isn't a string.
struct ResultAccess {
  // Returns: the envelope of a copy of the bytes. Errors: as the constructor.
  [[nodiscard]] static ResultEnvelope copied(std::string_view bytes) {
    ResultEnvelope result;
    result.bytes_ = ResultEnvelope::make(bytes);
    return result;
  }
};

}  // namespace detail

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_RESULT_ENVELOPE_HPP
