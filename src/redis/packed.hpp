// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_REDIS_PACKED_HPP
#define NEXUS_IDEMPOTENCY_REDIS_PACKED_HPP

// A record as one string, which any byte may be in:
//
//   10 22:<attempt token> 64:<fingerprint> <deadline> <fence> <created at> <last transition at>
//   <result>
//
// The first byte is the version of this format, the second the status by number. What is of any
// length has its length before it. The deadline is `never` if there is none; the result is `none`,
// or bytes, of which 0 mean that it was omitted. Numbers are decimal, times in microseconds.
//
// What a write is guarded by comes first, so that it is a head to be compared byte by byte: equal
// if, and only if, status, token and fingerprint are. The key is the engine's, and isn't repeated.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "nexus/idempotency/key.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/time.hpp"
#include "nexus/idempotency/values.hpp"

namespace nexus::idempotency::redis {

// A record as it is packed, and the three pieces of which save.lua makes it: all up to the
// deadline, the deadline, and all behind it.
class PackedRecord {
 public:
  explicit PackedRecord(const IdempotencyRecord& record);

  // Lifetimes: all of them as long as this object.
  [[nodiscard]] std::string_view whole() const noexcept { return whole_; }
  [[nodiscard]] std::string_view head() const noexcept { return whole().substr(0, head_size_); }
  [[nodiscard]] std::string_view deadline() const noexcept {
    return whole().substr(head_size_, deadline_size_);
  }
  [[nodiscard]] std::string_view rest() const noexcept {
    return whole().substr(head_size_ + deadline_size_);
  }

 private:
  std::string whole_;
  std::size_t head_size_;
  std::size_t deadline_size_;
};

// Returns: the head of every record in this status, of this attempt.
[[nodiscard]] std::string packed_head(RecordStatus status, const AttemptToken& token,
                                      const RequestFingerprint& fingerprint);

// Returns: the record of `key` that was packed so.
// Errors: StoreErrc::corrupt if none can have been; StoreErrc::misconfigured if it is of another
// version.
[[nodiscard]] IdempotencyRecord unpack(std::string_view packed, const IdempotencyKey& key);

// Returns: how many milliseconds after it was written the server may drop the record; nothing if
// never. It is what its writer left it of time, from the transition to the deadline, and `grace`.
[[nodiscard]] std::optional<std::int64_t> milliseconds_kept(const IdempotencyRecord& record,
                                                            Duration grace) noexcept;

}  // namespace nexus::idempotency::redis

#endif  // NEXUS_IDEMPOTENCY_REDIS_PACKED_HPP
