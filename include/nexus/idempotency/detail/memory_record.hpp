// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_DETAIL_MEMORY_RECORD_HPP
#define NEXUS_IDEMPOTENCY_DETAIL_MEMORY_RECORD_HPP

// A record as the in-memory store keeps it: one heap block, a header of 40 bytes and behind it the
// encoded key, the fingerprint and the token. One block means one cache miss where a struct of
// strings has five; that, more than the choice of table, is what makes the store fast.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string_view>
#include <utility>

#include "nexus/idempotency/detail/text.hpp"
#include "nexus/idempotency/detail/words.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace detail {

// Thread-safety: like any value; the store's locks guard it.
class MemoryRecord {
 public:
  struct Free {
    void operator()(MemoryRecord* record) const noexcept {
      record->~MemoryRecord();
      ::operator delete(static_cast<void*>(record));
    }
  };
  using Pointer = std::unique_ptr<MemoryRecord, Free>;

  // `record.expires_at` is not kept, only whether there is one: the deadline stands in the table.
  // Errors: std::bad_alloc.
  [[nodiscard]] static Pointer make(const IdempotencyRecord& record, bool has_deadline) {
    const std::size_t bytes = record.key.encoded().size() + record.fingerprint.value().size() +
                              record.attempt_token.value().size();
    return Pointer(::new (::operator new(sizeof(MemoryRecord) + bytes))
                       MemoryRecord(record, has_deadline));
  }

  MemoryRecord(const MemoryRecord&) = delete;
  MemoryRecord& operator=(const MemoryRecord&) = delete;

  [[nodiscard]] std::string_view encoded_key() const noexcept { return {bytes(), key_size_}; }
  [[nodiscard]] RecordStatus status() const noexcept { return static_cast<RecordStatus>(status_); }

  [[nodiscard]] bool has_deadline() const noexcept { return has_deadline_; }
  [[nodiscard]] bool has(const AttemptToken& token) const noexcept {
    return this->token() == token.value();
  }
  [[nodiscard]] bool has(const RequestFingerprint& fingerprint) const noexcept {
    return this->fingerprint() == fingerprint.value();
  }

  // Effects: none but on time: asks for the rest of the block while its first line is being read.
  void prefetch() const noexcept {
    const char* const start = reinterpret_cast<const char*>(this);
    __builtin_prefetch(start + 64);
    __builtin_prefetch(start + 128);
    __builtin_prefetch(start + 192);
  }

  // Returns: the record as it was written. `key` is the asked key, equal to this one's byte for
  // byte. If the fingerprint is long, and `expected`, that one is shared, so nothing is allocated.
  [[nodiscard]] IdempotencyRecord restore(const IdempotencyKey& key, Timestamp deadline,
                                          const RequestFingerprint* expected) const {
    const bool share = fingerprint_size_ > RequestFingerprint::inline_capacity &&
                       expected != nullptr && has(*expected);
    return {key,
            status(),
            share ? *expected : TextAccess::unchecked<RequestFingerprint>(fingerprint()),
            TextAccess::unchecked<AttemptToken>(token()),
            fence_,
            result(),
            created_at_,
            last_transition_at_,
            has_deadline_ ? std::optional<Timestamp>(deadline) : std::nullopt};
  }

  // Effects: takes over all that has a fixed size; the result is left in `old_result`, to be freed
  // outside of the lock.
  // Preconditions: key, token and fingerprint of `next` are the same bytes.
  void update(const IdempotencyRecord& next, bool has_deadline,
              ResultEnvelope& old_result) noexcept {
    old_result = std::exchange(result_, next.result ? *next.result : ResultEnvelope::omitted());
    has_result_ = next.result.has_value();
    has_deadline_ = has_deadline;
    status_ = static_cast<std::uint8_t>(next.status);
    fence_ = next.fence;
    created_at_ = next.created_at;
    last_transition_at_ = next.last_transition_at;
  }

 private:
  MemoryRecord(const IdempotencyRecord& record, bool has_deadline) noexcept
      : created_at_(record.created_at),
        last_transition_at_(record.last_transition_at),
        fence_(record.fence),
        result_(record.result ? *record.result : ResultEnvelope::omitted()),
        key_size_(static_cast<std::uint16_t>(record.key.encoded().size())),
        fingerprint_size_(static_cast<std::uint16_t>(record.fingerprint.value().size())),
        token_size_(static_cast<std::uint8_t>(record.attempt_token.value().size())),
        status_(static_cast<std::uint8_t>(record.status)),
        has_result_(record.result.has_value()),
        has_deadline_(has_deadline) {
    char* out = bytes();
    for (const std::string_view text :
         {record.key.encoded(), record.fingerprint.value(), record.attempt_token.value()}) {
      copy_text(out, text);
      out += text.size();
    }
  }
  ~MemoryRecord() = default;

  [[nodiscard]] std::optional<ResultEnvelope> result() const noexcept {
    std::optional<ResultEnvelope> result;
    if (has_result_) result.emplace(result_);
    return result;
  }
  [[nodiscard]] std::string_view fingerprint() const noexcept {
    return {bytes() + key_size_, fingerprint_size_};
  }
  [[nodiscard]] std::string_view token() const noexcept {
    return {bytes() + key_size_ + fingerprint_size_, token_size_};
  }
  [[nodiscard]] char* bytes() noexcept { return reinterpret_cast<char*>(this + 1); }
  [[nodiscard]] const char* bytes() const noexcept {
    return reinterpret_cast<const char*>(this + 1);
  }

  Timestamp created_at_;
  Timestamp last_transition_at_;
  std::uint64_t fence_;
  ResultEnvelope result_;
  std::uint16_t key_size_;
  std::uint16_t fingerprint_size_;
  std::uint8_t token_size_;
  std::uint8_t status_;  // a RecordStatus in a byte
  bool has_result_;
  bool has_deadline_;
};

}  // namespace detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_DETAIL_MEMORY_RECORD_HPP
