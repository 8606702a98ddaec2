// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_CHECKS_HPP
#define NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_CHECKS_HPP

// What the conformance cases say: each function either finds things as they must be, or throws a
// ConformanceFailure that tells an author of a store what differs.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/testing/detail/conformance_samples.hpp"
#include "nexus/idempotency/testing/store_fixture.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace testing::detail {

inline void require(bool holds, const std::string& otherwise) {
  if (!holds) throw ConformanceFailure(otherwise);
}

// Returns: the bytes in quotes, those that don't print escaped, a long text shortened.
inline std::string shown(std::string_view bytes) {
  constexpr std::size_t most = 48;
  std::string text = "\"";
  for (const char byte : bytes.substr(0, most)) {
    const auto code = static_cast<unsigned char>(byte);
    if (code >= 0x20 && code < 0x7F) {
      text += byte;
    } else {
      text += "\\x";
      text += "0123456789abcdef"[code >> 4];
      text += "0123456789abcdef"[code & 0xF];
    }
  }
  text += '"';
  if (bytes.size() > most) text += "... of " + std::to_string(bytes.size()) + " bytes";
  return text;
}
inline std::string shown(Timestamp time) {
  return std::to_string(time.time_since_epoch().count()) + "us";
}
inline std::string shown(const std::optional<Timestamp>& time) {
  return time ? shown(*time) : "none";
}
inline std::string shown(const std::optional<ResultEnvelope>& result) {
  if (!result) return "none";
  return result->is_omitted() ? "omitted" : shown(result->payload());
}

// Returns: in what `actual` is not `expected`, field by field; empty if in nothing.
inline std::string difference(const IdempotencyRecord& actual, const IdempotencyRecord& expected) {
  std::string text;
  const auto compare = [&text](std::string_view field, bool same, const std::string& is,
                               const std::string& should_be) {
    if (!same) text += "\n  " + std::string(field) + " is " + is + ", not " + should_be;
  };
  const IdempotencyRecord& a = actual;
  const IdempotencyRecord& b = expected;
  const auto text_field = [&compare](std::string_view field, const auto& is, const auto& expect) {
    compare(field, is.value() == expect.value(), shown(is.value()), shown(expect.value()));
  };
  text_field("tenant", a.key.tenant(), b.key.tenant());
  text_field("operation", a.key.operation(), b.key.operation());
  text_field("client key", a.key.client_key(), b.key.client_key());
  compare("status", a.status == b.status, std::string(to_string(a.status)),
          std::string(to_string(b.status)));
  text_field("fingerprint", a.fingerprint, b.fingerprint);
  text_field("attempt token", a.attempt_token, b.attempt_token);
  compare("fence", a.fence == b.fence, std::to_string(a.fence), std::to_string(b.fence));
  compare("result", a.result == b.result, shown(a.result), shown(b.result));
  compare("created_at", a.created_at == b.created_at, shown(a.created_at), shown(b.created_at));
  compare("last_transition_at", a.last_transition_at == b.last_transition_at,
          shown(a.last_transition_at), shown(b.last_transition_at));
  compare("expires_at", a.expires_at == b.expires_at, shown(a.expires_at), shown(b.expires_at));
  return text;
}

inline void require_same(const std::optional<IdempotencyRecord>& actual,
                         const IdempotencyRecord& expected, const std::string& where) {
  require(actual.has_value(), where + ": there is no record");
  const std::string differs = difference(*actual, expected);
  require(differs.empty(), where + ":" + differs);
}

inline void require_stored(IdempotencyStore& store, const IdempotencyRecord& expected,
                           const std::string& when) {
  require_same(store.find(expected.key), expected, "find " + when);
}

inline void require_absent(IdempotencyStore& store, const IdempotencyKey& key,
                           const std::string& when) {
  require(!store.find(key).has_value(), "find " + when + ": there is a record");
}

inline void require_claimed(IdempotencyStore& store, const IdempotencyRecord& candidate,
                            const std::string& when) {
  require(store.claim_pending(candidate).claimed_new(),
          "claim_pending " + when + ": the key is not free");
}

inline void require_refused(IdempotencyStore& store, const IdempotencyRecord& candidate,
                            const IdempotencyRecord& existing, const std::string& when) {
  require_same(store.claim_pending(candidate).existing, existing, "claim_pending " + when);
}

inline void require_save(IdempotencyStore& store, const WriteGuard& guard,
                         const IdempotencyRecord& next, bool written, const std::string& when) {
  require(store.save_if(guard, next) == written,
          "save_if " + when + (written ? ": it must write" : ": it must refuse"));
}

inline void require_purged(IdempotencyStore& store, Timestamp before, std::size_t limit,
                           std::size_t expected, const std::string& when) {
  const std::size_t removed = store.purge_expired(before, limit);
  require(removed == expected, "purge_expired " + when + ": it returned " +
                                   std::to_string(removed) + ", not " + std::to_string(expected));
}

// Effects: stores `record`, whose key is free: claimed, and then written if it is not pending.
inline void put(IdempotencyStore& store, const IdempotencyRecord& record) {
  IdempotencyRecord claim = record;
  claim.status = RecordStatus::pending;
  claim.result = std::nullopt;
  require_claimed(store, claim, "to prepare");
  if (record.status != RecordStatus::pending) {
    require_save(store, guard_of(claim), record, true, "to prepare");
  }
}

// Returns: an empty store.
inline std::unique_ptr<IdempotencyStore> make_store(StoreFixture& fixture) {
  std::unique_ptr<IdempotencyStore> store = fixture.make_store();
  require(store != nullptr, "make_store() returned null");
  return store;
}

}  // namespace testing::detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_CHECKS_HPP
