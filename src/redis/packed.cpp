// SPDX-License-Identifier: MIT
#include "redis/packed.hpp"

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/key.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/time.hpp"
#include "nexus/idempotency/values.hpp"
#include "stores/stored_row.hpp"

namespace nexus::idempotency::redis {
namespace {

constexpr char version = '1';
constexpr std::string_view never = "never";
constexpr std::string_view no_result = "none";

void add_bytes(std::string& out, std::string_view bytes) {
  out += std::to_string(bytes.size());
  out += ':';
  out += bytes;
}

void add_time(std::string& out, Timestamp t) {
  out += std::to_string(stores::microseconds(t));
}

void add_head(std::string& out, RecordStatus status, const AttemptToken& token,
              const RequestFingerprint& fingerprint) {
  out += version;
  out += std::to_string(stores::status_number(status));
  out += ' ';
  add_bytes(out, token.value());
  out += ' ';
  add_bytes(out, fingerprint.value());
  out += ' ';
}

// Takes a packed record apart. Nothing is taken on trust.
class Reader {
 public:
  explicit Reader(std::string_view packed) : rest_(packed) {}

  std::string_view take(std::size_t count) {
    if (rest_.size() < count) throw corrupt("is cut off");
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  void skip_blank() {
    if (take(1) != " ") throw corrupt("lacks a blank");
  }

  // What ends before the next `end`, which is taken as well.
  std::string_view take_until(char end) {
    const std::size_t size = rest_.find(end);
    if (size == std::string_view::npos) throw corrupt("is cut off");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size + 1);
    return taken;
  }

  std::string_view take_bytes() {
    const std::int64_t size = number(take_until(':'));
    if (size < 0) throw corrupt("has a negative length");
    return take(static_cast<std::size_t>(size));
  }

  std::int64_t take_number() { return number(take_until(' ')); }

  std::optional<std::int64_t> take_deadline() {
    const std::string_view text = take_until(' ');
    if (text == never) return std::nullopt;
    return number(text);
  }

  std::optional<std::string_view> take_result() {
    if (rest_ == no_result) return std::nullopt;
    const std::string_view bytes = take_bytes();
    if (!rest_.empty()) throw corrupt("goes on behind its end");
    return bytes;
  }

 private:
  static StoreError corrupt(const char* how) {
    return {StoreErrc::corrupt, "a stored record " + std::string(how)};
  }

  // Only as std::to_string writes it, or the scripts would compare it wrongly.
  static std::int64_t number(std::string_view text) {
    const bool is_padded =
        text != "0" && text.substr(text.starts_with('-') ? 1 : 0).starts_with('0');
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (is_padded || error != std::errc() || end != text.data() + text.size()) {
      throw corrupt("has a number that is none");
    }
    return value;
  }

  std::string_view rest_;
};

}  // namespace

std::string packed_head(RecordStatus status, const AttemptToken& token,
                        const RequestFingerprint& fingerprint) {
  std::string head;
  add_head(head, status, token, fingerprint);
  return head;
}

PackedRecord::PackedRecord(const IdempotencyRecord& record) {
  constexpr std::size_t most_of_numbers = 128;  // and of what is between them
  const auto result = stores::result_bytes(record.result);
  whole_.reserve(record.attempt_token.value().size() + record.fingerprint.value().size() +
                 (result ? result->size() : 0) + most_of_numbers);
  add_head(whole_, record.status, record.attempt_token, record.fingerprint);
  head_size_ = whole_.size();
  if (record.expires_at) {
    add_time(whole_, *record.expires_at);
  } else {
    whole_ += never;
  }
  deadline_size_ = whole_.size() - head_size_;
  whole_ += ' ';
  whole_ += std::to_string(record.fence);
  whole_ += ' ';
  add_time(whole_, record.created_at);
  whole_ += ' ';
  add_time(whole_, record.last_transition_at);
  whole_ += ' ';
  if (result) {
    add_bytes(whole_, *result);
  } else {
    whole_ += no_result;
  }
}

IdempotencyRecord unpack(std::string_view packed, const IdempotencyKey& key) {
  Reader reader(packed);
  if (reader.take(1).front() != version) {
    throw StoreError(StoreErrc::misconfigured, "a stored record is of another version, or is none");
  }
  stores::StoredRow row{};
  row.tenant = key.tenant().value();
  row.operation = key.operation().value();
  row.client_key = key.client_key().value();
  row.status = reader.take_number();
  row.attempt_token = reader.take_bytes();
  reader.skip_blank();
  row.fingerprint = reader.take_bytes();
  reader.skip_blank();
  row.expires_at = reader.take_deadline();
  row.fence = reader.take_number();
  row.created_at = reader.take_number();
  row.last_transition_at = reader.take_number();
  row.result = reader.take_result();
  return stores::restore(row, key);
}

std::optional<std::int64_t> milliseconds_kept(const IdempotencyRecord& record,
                                              Duration grace) noexcept {
  // So far off that nobody waits for it; and a sum that may not fit isn't made.
  constexpr Duration most = std::chrono::hours(24) * 365 * 1000;
  if (!record.expires_at) return std::nullopt;
  const Duration left = saturating_time_left(record.last_transition_at, *record.expires_at);
  if (left > most || grace > most) return std::nullopt;
  return std::chrono::ceil<std::chrono::milliseconds>(left + grace).count();
}

}  // namespace nexus::idempotency::redis
