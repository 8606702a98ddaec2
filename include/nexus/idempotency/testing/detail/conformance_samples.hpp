// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_SAMPLES_HPP
#define NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_SAMPLES_HPP

// The records that the conformance cases write, and the values at the edges of what a record can
// hold. All times are fixed; the deadlines of ordinary records are in the year 2100, so that an
// engine that expires records by itself keeps them.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace testing::detail {

// 2100-01-01 00:00:00.123457 UTC; the odd microsecond shows a store that keeps milliseconds.
inline constexpr Timestamp base_time{Duration{4'102'444'800'123'457}};
inline constexpr Duration one_tick{1};

inline constexpr std::array all_statuses{RecordStatus::pending, RecordStatus::completed,
                                         RecordStatus::failed, RecordStatus::expired};

inline IdempotencyKey sample_key(std::string_view client_key = "key") {
  return {TenantId("tenant"), OperationRef("operation"), ClientKey(client_key)};
}

// Returns: the first claim of a key.
inline IdempotencyRecord pending_record(const IdempotencyKey& key,
                                        std::string_view token = "token-1") {
  return {key,
          RecordStatus::pending,
          RequestFingerprint("fingerprint-1"),
          AttemptToken(token),
          41,
          std::nullopt,
          base_time,
          base_time,
          base_time + std::chrono::minutes{15}};
}

// Returns: `record` in another status, as its own attempt would write it.
inline IdempotencyRecord in_status(IdempotencyRecord record, RecordStatus status) {
  if (status == RecordStatus::pending) return record;
  record.status = status;
  record.last_transition_at += std::chrono::seconds{7};
  record.expires_at = base_time + std::chrono::hours{24};
  if (status == RecordStatus::completed) record.result = ResultEnvelope("the result");
  if (status == RecordStatus::failed) record.result = ResultEnvelope("the reason");
  return record;
}

// Returns: the claim of a rival that takes the key of `record` over; no field is the same.
inline IdempotencyRecord taken_over(const IdempotencyRecord& record,
                                    std::string_view token = "token-2") {
  const Timestamp now = base_time + std::chrono::hours{48} + one_tick;
  return {record.key,
          RecordStatus::pending,
          RequestFingerprint("fingerprint-2"),
          AttemptToken(token),
          record.fence + 1,
          std::nullopt,
          now,
          now,
          now + std::chrono::minutes{15}};
}

// Returns: the guard of exactly `record`.
inline WriteGuard guard_of(const IdempotencyRecord& record,
                           LeaseCondition lease = LeaseCondition::any, Timestamp now = base_time) {
  return {record.attempt_token, record.fingerprint, record.status, lease, now};
}

// Two different texts that some engine, column type or client takes for one.
struct NearTexts {
  std::string first;
  std::string second;
};

// Returns: such pairs; with `length` also pairs of that many bytes that differ at the end only.
inline std::vector<NearTexts> near_texts(std::size_t length) {
  using namespace std::string_literals;
  std::vector<NearTexts> pairs = {
      {"payment", "Payment"},                    // letter case
      {"stra\xC3\x9F\x65", "strasse"},           // sharp s
      {"\xC4\xB1", "i"},                         // dotless i
      {"\xC3\xA9", "e"},                         // accent
      {"\xC3\xA9", "e\xCC\x81"},                 // composed and decomposed
      {"\xEF\xBD\x81", "a"},                     // full width
      {"a\xE2\x80\x8B\x62", "ab"},               // a character of no width
      {"a b", "a  b"},                           // blanks
      {"a", "a\f"},                              // a control byte that is not trimmed
      {"a", "a\xC2\xA0"},                        // a blank that is not trimmed
      {"a\0b"s, "a"},                            // a C string would end here
      {"a\0b"s, "a\0c"s},                        //
      {"a\0b"s, "a\\u0000b"},                    // a control byte, and its escape
      {"a\nb", "a\\nb"},                         //
      {"a\nb", "a\r\nb"},                        // line ends
      {"1", "01"},                               // numbers
      {"1", "1.0"},                              //
      {"1000", "1e3"},                           //
      {"9007199254740993", "9007199254740992"},  // the same as a double
      {"a%", "ab"},                              // patterns
      {"a_", "ab"},                              //
      {"a*", "ab"},                              //
      {"a'", "a''"},                             // quotes
      {"a\"", "a\\\""},                          //
      {"a\\", "a\\\\"},                          //
      {"{a}b", "{a}c"},                          // hash tags
      {"null", "NULL"},                          //
  };
  pairs.push_back({std::string(length, 'x'), std::string(length - 1, 'x') + 'y'});
  pairs.push_back({std::string(length, 'x'), std::string(length - 1, 'x')});
  return pairs;
}

// Fences around what fits into a double, and the largest.
inline constexpr std::array<std::uint64_t, 7> edge_fences{0,
                                                          1,
                                                          4'294'967'296,
                                                          9'007'199'254'740'992,
                                                          9'007'199'254'740'993,
                                                          9'223'372'036'854'775'806,
                                                          9'223'372'036'854'775'807};

// Times at the ends of the range, around 1970, and around what fits into a double; ascending.
inline constexpr std::array<Timestamp, 13> edge_times{Timestamp::min(),
                                                      Timestamp::min() + one_tick,
                                                      Timestamp{Duration{-9'007'199'254'740'993}},
                                                      Timestamp{Duration{-9'007'199'254'740'992}},
                                                      Timestamp{Duration{-1'000'001}},
                                                      Timestamp{Duration{-1}},
                                                      Timestamp{Duration{0}},
                                                      Timestamp{Duration{1}},
                                                      base_time,
                                                      Timestamp{Duration{9'007'199'254'740'992}},
                                                      Timestamp{Duration{9'007'199'254'740'993}},
                                                      Timestamp::max() - one_tick,
                                                      Timestamp::max()};

// Returns: those that a store is asked to keep as deadlines.
inline std::vector<Timestamp> edge_deadlines(bool expires_by_itself) {
  std::vector<Timestamp> deadlines;
  for (const Timestamp time : edge_times) {
    if (!expires_by_itself || time >= base_time) deadlines.push_back(time);
  }
  return deadlines;
}

// Returns: results that are easily taken for another or for none, and the longest.
inline std::vector<std::optional<ResultEnvelope>> edge_results() {
  using namespace std::string_literals;
  std::vector<std::optional<ResultEnvelope>> results = {std::nullopt, ResultEnvelope::omitted()};
  for (const std::string& bytes : {"\0"s, " "s, "0"s, "null"s, "false"s, "\"\""s, "\\x00"s, " a\n"s,
                                   "\0a"s, "a\0"s, "\xFF\xFE"s, "omitted"s}) {
    results.emplace_back(ResultEnvelope(bytes));
  }
  std::string longest(ResultEnvelope::max_bytes, '\0');
  for (std::size_t i = 0; i < longest.size(); ++i) longest[i] = static_cast<char>(i % 256);
  results.emplace_back(ResultEnvelope(longest));
  return results;
}

}  // namespace testing::detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_SAMPLES_HPP
