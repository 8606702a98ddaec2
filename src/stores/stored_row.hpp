// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_STORES_STORED_ROW_HPP
#define NEXUS_IDEMPOTENCY_STORES_STORED_ROW_HPP

// How a record lies in an engine, the same in each of them: texts and results as bytes, times in
// microseconds, the status by number. And the way back, on which nothing is taken on trust.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/key.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/result_envelope.hpp"
#include "nexus/idempotency/time.hpp"
#include "nexus/idempotency/values.hpp"

namespace nexus::idempotency::stores {

// The columns of a row, borrowed from the engine.
struct StoredRow {
  std::string_view tenant;
  std::string_view operation;
  std::string_view client_key;
  std::int64_t status;
  std::string_view fingerprint;
  std::string_view attempt_token;
  std::int64_t fence;
  std::optional<std::string_view> result;  // absent: none; without bytes: omitted
  std::int64_t created_at;
  std::int64_t last_transition_at;
  std::optional<std::int64_t> expires_at;
};

[[nodiscard]] constexpr std::int64_t status_number(RecordStatus status) noexcept {
  return static_cast<std::int64_t>(status);  // 0 pending, 1 completed, 2 failed, 3 expired
}

[[nodiscard]] constexpr std::int64_t microseconds(Timestamp t) noexcept {
  return t.time_since_epoch().count();
}

[[nodiscard]] constexpr std::optional<std::int64_t> microseconds(
    const std::optional<Timestamp>& t) noexcept {
  if (!t) return std::nullopt;
  return microseconds(*t);
}

// Returns: what is stored of a result; see StoredRow.
[[nodiscard]] inline std::optional<std::string_view> result_bytes(
    const std::optional<ResultEnvelope>& result) noexcept {
  if (!result) return std::nullopt;
  return result->payload();
}

// Returns: the text, which must be stored just as its type would have written it.
// Errors: StoreErrc::corrupt.
template <class Text>
[[nodiscard]] Text restore_text(std::string_view bytes) {
  try {
    Text text(bytes);
    if (text.value().size() == bytes.size()) return text;  // nothing was trimmed
  } catch (const InvalidValueError&) {
  }
  throw StoreError(StoreErrc::corrupt, "a stored " + std::string(Text::type_name) +
                                           " is not what could have been written");
}

// Returns: the record. Its key is the row's own, not the asked one: the caller compares.
// Errors: StoreErrc::corrupt if no record can have been written so; std::bad_alloc.
[[nodiscard]] inline IdempotencyRecord restore(const StoredRow& row, const IdempotencyKey& asked) {
  const auto corrupt = [](const char* what) { return StoreError(StoreErrc::corrupt, what); };
  if (row.status < 0 || row.status > 3) throw corrupt("a stored status is none");
  if (row.fence < 0) throw corrupt("a stored fence is negative");
  if (row.result && row.result->size() > ResultEnvelope::max_bytes) {
    throw corrupt("a stored result is too long");
  }
  std::optional<Timestamp> expires_at;
  if (row.expires_at) expires_at = Timestamp(Duration(*row.expires_at));

  const bool as_asked = row.tenant == asked.tenant().value() &&
                        row.operation == asked.operation().value() &&
                        row.client_key == asked.client_key().value();
  IdempotencyRecord record{as_asked ? asked
                                    : IdempotencyKey(restore_text<TenantId>(row.tenant),
                                                     restore_text<OperationRef>(row.operation),
                                                     restore_text<ClientKey>(row.client_key)),
                           static_cast<RecordStatus>(row.status),
                           restore_text<RequestFingerprint>(row.fingerprint),
                           restore_text<AttemptToken>(row.attempt_token),
                           static_cast<std::uint64_t>(row.fence),
                           std::nullopt,
                           Timestamp(Duration(row.created_at)),
                           Timestamp(Duration(row.last_transition_at)),
                           expires_at};
  if (row.result && row.result->empty()) record.result = ResultEnvelope::omitted();
  if (row.result && !row.result->empty()) record.result = detail::ResultAccess::copied(*row.result);
  return record;
}

}  // namespace nexus::idempotency::stores

#endif  // NEXUS_IDEMPOTENCY_STORES_STORED_ROW_HPP
