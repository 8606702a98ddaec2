// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_EXACTNESS_HPP
#define NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_EXACTNESS_HPP

// Conformance cases about keys that are equal only byte for byte, and records that come back
// exactly as they were written.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/testing/detail/conformance_checks.hpp"
#include "nexus/idempotency/testing/detail/conformance_samples.hpp"
#include "nexus/idempotency/testing/store_fixture.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace testing::detail {

// Both keys are free, and each then has its own record.
inline void require_two_keys(IdempotencyStore& store, const IdempotencyKey& first,
                             const IdempotencyKey& second, const std::string& what) {
  const IdempotencyRecord one = pending_record(first);
  const IdempotencyRecord other = taken_over(pending_record(second));
  require_claimed(store, one, "of the first key of two: " + what);
  require_absent(store, second, "of the second key of two: " + what);
  require_claimed(store, other, "of the second key of two: " + what);
  require_stored(store, one, "of the first key of two: " + what);
  require_stored(store, other, "of the second key of two: " + what);
}

inline void client_keys_byte_for_byte(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  int pair = 0;
  for (const auto& [first, second] : near_texts(ClientKey::max_length)) {
    const TenantId tenant(std::to_string(++pair));
    const OperationRef operation("operation");
    require_two_keys(*store, {tenant, operation, ClientKey(first)},
                     {tenant, operation, ClientKey(second)}, shown(first) + ", " + shown(second));
  }
}

inline void operations_byte_for_byte(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  int pair = 0;
  for (const auto& [first, second] : near_texts(OperationRef::max_length)) {
    const TenantId tenant(std::to_string(++pair));
    const ClientKey key("key");
    require_two_keys(*store, {tenant, OperationRef(first), key},
                     {tenant, OperationRef(second), key}, shown(first) + ", " + shown(second));
  }
}

inline void tenants_byte_for_byte(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  int pair = 0;
  for (const auto& [first, second] : near_texts(TenantId::max_length)) {
    const OperationRef operation(std::to_string(++pair));
    const ClientKey key("key");
    require_two_keys(*store, {TenantId(first), operation, key}, {TenantId(second), operation, key},
                     shown(first) + ", " + shown(second));
  }
}

// The same bytes in all, split in another place, with whatever might join the parts.
inline void parts_of_a_key_apart(StoreFixture& fixture) {
  using namespace std::string_literals;
  const auto store = make_store(fixture);
  const auto key = [](const std::string& tenant, const std::string& operation,
                      const std::string& client_key) {
    return IdempotencyKey(TenantId(tenant), OperationRef(operation), ClientKey(client_key));
  };
  int number = 0;
  for (const std::string& joint : {""s, ":"s, "|"s, "/"s, "-"s, "\x1F"s, "a\0b"s, "\",\""s, "}"s}) {
    const std::string a = "a" + std::to_string(++number);
    require_two_keys(*store, key(a, "b" + joint + "c", "d"), key(a + joint + "b", "c", "d"),
                     "parts joined by " + shown(joint));
    require_two_keys(*store, key(a, "e" + joint + "f", "g"), key(a, "e", "f" + joint + "g"),
                     "parts joined by " + shown(joint));
  }
  require_two_keys(*store, key("x", "y", "z"), key("y", "x", "z"), "parts exchanged");
  require_two_keys(*store, key("x", "z", "y"), key("z", "y", "x"), "parts exchanged");
}

// A record with `text` in all five of its texts must come back, and be matched by its own guard.
inline void require_text_kept(IdempotencyStore& store, const IdempotencyRecord& record,
                              const std::string& what) {
  require_claimed(store, record, "with " + what);
  require_stored(store, record, "with " + what);
  require_refused(store, record, record, "with " + what + ", again");
  const IdempotencyRecord completed = in_status(record, RecordStatus::completed);
  require_save(store, guard_of(record), completed, true, "with " + what);
  require_stored(store, completed, "with " + what + ", after save_if");
}

inline void every_control_byte_in_every_text(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  const auto check = [&store](char byte) {
    const std::string text = std::string("a") + byte + "z";
    IdempotencyRecord record =
        pending_record({TenantId(text), OperationRef(text), ClientKey(text)}, text);
    record.fingerprint = RequestFingerprint(text);
    require_text_kept(*store, record, shown(text) + " in each text");
  };
  for (char byte = 0; byte < 0x20; ++byte) check(byte);
  check('\x7F');
}

inline void longest_texts(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  // Bytes that take the most room when escaped, quoted or encoded.
  for (const std::string_view unit :
       {std::string_view("\x01"), std::string_view("\0", 1), std::string_view("\""),
        std::string_view("\\"), std::string_view("\xF0\x9F\x98\x80"), std::string_view("\x7F"),
        std::string_view("'")}) {
    const auto longest = [unit](std::size_t max_length, char last) {
      std::string text = "a";
      while (text.size() + unit.size() < max_length) text += unit;
      text.resize(max_length, last);
      text.back() = last;
      return text;
    };
    for (const char last : {'y', 'z'}) {  // two keys that differ only at the very end
      const IdempotencyKey key(TenantId(longest(TenantId::max_length, 't')),
                               OperationRef(longest(OperationRef::max_length, 'o')),
                               ClientKey(longest(ClientKey::max_length, last)));
      IdempotencyRecord record = pending_record(key, longest(AttemptToken::max_length, last));
      record.fingerprint = RequestFingerprint(longest(RequestFingerprint::max_length, last));
      require_text_kept(*store, record, "texts of the greatest length, of " + shown(unit));
    }
  }
}

inline void every_fence(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  for (const std::uint64_t fence : edge_fences) {
    IdempotencyRecord record = pending_record(sample_key(std::to_string(fence)));
    record.fence = fence;
    require_claimed(*store, record, "with a fence of " + std::to_string(fence));
    require_stored(*store, record, "with a fence of " + std::to_string(fence));
  }
  // And by save_if: from the smallest to the greatest.
  IdempotencyRecord record = pending_record(sample_key("rising"));
  record.fence = 0;
  require_claimed(*store, record, "to prepare");
  record.fence = edge_fences.back();
  require_save(*store, guard_of(record), record, true, "with the greatest fence");
  require_stored(*store, record, "after save_if with the greatest fence");
}

inline void every_time(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  for (const Timestamp time : edge_times) {
    const bool deadline_too = !fixture.expires_by_itself() || time >= base_time;
    IdempotencyRecord record = pending_record(sample_key(shown(time)));
    record.created_at = time;
    record.last_transition_at = time;
    if (deadline_too) record.expires_at = time;
    require_claimed(*store, record, "at " + shown(time));
    require_stored(*store, record, "at " + shown(time));
    IdempotencyRecord next = taken_over(record);
    next.created_at = time;
    next.last_transition_at = time;
    if (deadline_too) next.expires_at = time;
    require_save(*store, guard_of(record), next, true, "at " + shown(time));
    require_stored(*store, next, "after save_if at " + shown(time));
  }
}

inline void every_result(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  int number = 0;
  for (const auto& result : edge_results()) {
    for (const RecordStatus status : {RecordStatus::completed, RecordStatus::failed}) {
      IdempotencyRecord record =
          in_status(pending_record(sample_key(std::to_string(++number))), status);
      record.result = result;
      put(*store, record);
      require_stored(*store, record, "with a result of " + shown(result));
      require_refused(*store, taken_over(record), record, "with a result of " + shown(result));
    }
  }
}

// None, omitted and bytes replace one another in every order; nothing of the old one stays.
inline void results_replace_one_another(StoreFixture& fixture) {
  const auto store = make_store(fixture);
  const std::optional<ResultEnvelope> none;
  const std::optional omitted = ResultEnvelope::omitted();
  const std::optional longer = ResultEnvelope(std::string(300, 'r'));
  const std::optional bytes = ResultEnvelope("r");
  IdempotencyRecord record = in_status(pending_record(sample_key()), RecordStatus::completed);
  record.result = none;
  put(*store, record);
  for (const auto& next :
       {none, omitted, omitted, longer, bytes, longer, none, longer, omitted, none}) {
    const std::string what = "with a result of " + shown(next) + " after " + shown(record.result);
    record.result = next;
    require_save(*store, guard_of(record), record, true, what);
    require_stored(*store, record, what);
  }
}

}  // namespace testing::detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_EXACTNESS_HPP
