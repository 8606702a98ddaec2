// SPDX-License-Identifier: MIT
// Stores with one defect each in how they tell keys apart, or in what they keep of a record.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "conformance/broken_claims_and_saves.hpp"
#include "conformance/model_store.hpp"

namespace conformance {

struct KeysCaseFolded final : ModelStore {
  using ModelStore::ModelStore;
  std::string identity(const IdempotencyKey& key) const override { return folded(key.encoded()); }
};

// Builds the identity from the parts, each through `Part`.
template <class Part>
struct KeysByPart : ModelStore {
  using ModelStore::ModelStore;
  std::string identity(const IdempotencyKey& key) const override {
    std::string text;
    int place = 0;
    for (const std::string_view part :
         {key.tenant().value(), key.operation().value(), key.client_key().value()}) {
      const std::string kept = Part::kept(part, place++);
      text += std::to_string(kept.size()) + ':' + kept;
    }
    return text;
  }
};

struct PartCutAtNul {
  static std::string kept(std::string_view part, int) { return cut_at_nul(part); }
};
struct PartShortened {
  static std::string kept(std::string_view part, int) { return std::string(part.substr(0, 120)); }
};
struct PartWithoutAccents {  // as far as needed here: the combining acute accent
  static std::string kept(std::string_view part, int) {
    std::string text(part);
    if (const auto at = text.find("\xCC\x81"); at != std::string::npos) {
      text.replace(at - 1, 3, "\xC3\xA9");
    }
    return text;
  }
};
struct NoTenant {
  static std::string kept(std::string_view part, int place) {
    return place == 0 ? std::string() : std::string(part);
  }
};
struct NoOperation {
  static std::string kept(std::string_view part, int place) {
    return place == 1 ? std::string() : std::string(part);
  }
};

struct KeysJoined final : ModelStore {
  using ModelStore::ModelStore;
  std::string identity(const IdempotencyKey& key) const override {
    std::string text(key.tenant().value());
    text.append(":").append(key.operation().value());
    return text.append(":").append(key.client_key().value());
  }
};

// Keeps `kept(record)` of each record.
template <class Column>
struct Keeps : ModelStore {
  using ModelStore::ModelStore;
  IdempotencyRecord as_stored(IdempotencyRecord record) const override {
    Column::keep(record);
    return record;
  }
};

template <class Change>
void change_times(IdempotencyRecord& record, Change change) {
  record.created_at = change(record.created_at);
  record.last_transition_at = change(record.last_transition_at);
  if (record.expires_at) record.expires_at = change(*record.expires_at);
}

struct Milliseconds {
  static void keep(IdempotencyRecord& record) {
    change_times(record, [](Timestamp t) -> Timestamp {
      return Timestamp{std::chrono::duration_cast<std::chrono::milliseconds>(t.time_since_epoch())};
    });
  }
};
struct UnsignedTimes {
  static void keep(IdempotencyRecord& record) {
    change_times(record, [](Timestamp t) { return std::max(t, Timestamp{}); });
  }
};
struct NoneForTheLastTime {
  static void keep(IdempotencyRecord& record) {
    if (record.expires_at == Timestamp::max()) record.expires_at = std::nullopt;
  }
};
struct FenceAsDouble {
  static void keep(IdempotencyRecord& record) {
    if (record.fence < std::uint64_t{1} << 62) {
      record.fence = static_cast<std::uint64_t>(static_cast<double>(record.fence));
    }
  }
};
struct FenceOf32Bits {
  static void keep(IdempotencyRecord& record) {
    record.fence = static_cast<std::uint32_t>(record.fence);
  }
};
struct TokenCutAtNul {
  static void keep(IdempotencyRecord& record) {
    record.attempt_token = AttemptToken(cut_at_nul(record.attempt_token.value()));
  }
};
struct FingerprintShortened {
  static void keep(IdempotencyRecord& record) {
    record.fingerprint = RequestFingerprint(record.fingerprint.value().substr(0, 255));
  }
};
struct OmittedAsNone {
  static void keep(IdempotencyRecord& record) {
    if (record.result && record.result->is_omitted()) record.result = std::nullopt;
  }
};
struct NoneAsOmitted {
  static void keep(IdempotencyRecord& record) {
    if (!record.result) record.result = ResultEnvelope::omitted();
  }
};

// Keeps a result only as far as `Bytes` does; what becomes empty becomes omitted.
template <class Bytes>
struct ResultBytes {
  static void keep(IdempotencyRecord& record) {
    if (!record.result || record.result->is_omitted()) return;
    const std::string bytes = Bytes::kept(record.result->payload());
    record.result = bytes.empty() ? ResultEnvelope::omitted() : ResultEnvelope(bytes);
  }
};
struct ResultToNul {
  static std::string kept(std::string_view bytes) { return cut_at_nul(bytes); }
};
struct ResultOneByteShort {
  static std::string kept(std::string_view bytes) {
    return std::string(bytes.substr(0, ResultEnvelope::max_bytes - 1));
  }
};
struct ResultWithoutBlanksAround {
  static std::string kept(std::string_view bytes) {
    return std::string(nexus::idempotency::detail::trim(bytes));
  }
};
struct ResultNullIsNone {
  static std::string kept(std::string_view bytes) {
    return bytes == "null" ? std::string() : std::string(bytes);
  }
};

}  // namespace conformance
