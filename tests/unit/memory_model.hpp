// SPDX-License-Identifier: MIT
// Random calls on an in-memory store, each checked against a map that does what ports.hpp says.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "nexus/idempotency/in_memory_store.hpp"
#include "nexus/idempotency/policy.hpp"
#include "support/catch.hpp"
#include "unit/memory_samples.hpp"

namespace nexus::idempotency::test {

class MemoryModel {
 public:
  // Calls are made for numbered_key(0) to numbered_key(keys - 1).
  MemoryModel(InMemoryIdempotencyStore& store, std::uint64_t seed, std::size_t keys,
              std::optional<std::size_t> max_records = std::nullopt)
      : store_(store), random_(seed), max_records_(max_records) {
    for (std::size_t n = 0; n < keys; ++n) keys_.push_back(numbered_key(n));
  }

  [[nodiscard]] std::size_t size() const { return records_.size(); }

  void claim() {
    const IdempotencyRecord candidate = random_record(random_key());
    const std::string id(candidate.key.encoded());
    const auto at = records_.find(id);
    if (at != records_.end()) {
      REQUIRE(store_.claim_pending(candidate).existing == at->second);
      return;
    }
    if (max_records_ && records_.size() >= *max_records_ && !may_make_room(candidate)) {
      REQUIRE(store_error([&] { (void)store_.claim_pending(candidate); }) == StoreErrc::exhausted);
      return;
    }
    REQUIRE(store_.claim_pending(candidate).claimed_new());
    if (max_records_ && records_.size() >= *max_records_) accept_removals_for(candidate);
    records_.emplace(id, candidate);
  }

  void save() {
    IdempotencyRecord next = random_record(random_key());
    next.status = pick(statuses);
    if (one_in(2)) next.result = pick(results());
    const auto at = records_.find(std::string(next.key.encoded()));
    WriteGuard guard = guard_of(at == records_.end() ? next : at->second);
    if (one_in(6)) guard.attempt_token = pick(tokens());
    if (one_in(6)) guard.fingerprint = pick(fingerprints());
    if (one_in(6)) guard.status = pick(statuses);
    guard.lease = pick(std::array{LeaseCondition::any, LeaseCondition::any, LeaseCondition::live,
                                  LeaseCondition::lapsed});
    guard.now = random_time();
    const bool expected = at != records_.end() && holds(guard, at->second);
    REQUIRE(store_.save_if(guard, next) == expected);
    if (!expected) return;
    const IdempotencyRecord& stored = at->second;
    if (stored.status == RecordStatus::pending && next.status == RecordStatus::pending &&
        stored.attempt_token == next.attempt_token && next.expires_at &&
        (!stored.expires_at || *stored.expires_at > *next.expires_at)) {
      next.expires_at = stored.expires_at;
    }
    at->second = next;
  }

  void find() {
    const IdempotencyKey& key = random_key();
    const auto at = records_.find(std::string(key.encoded()));
    const std::optional<IdempotencyRecord> found = store_.find(key);
    REQUIRE(found == (at == records_.end() ? std::nullopt : std::optional(at->second)));
  }

  // Returns: how many were removed.
  std::size_t purge() {
    return purge(random_time(), pick(std::array<std::size_t, 6>{0, 1, 63, 64, 65, 100'000}));
  }
  std::size_t purge(Timestamp before, std::size_t limit) {
    const std::size_t matching = ids_of([&](const auto& r) { return lapsed_by(r, before); }).size();
    const std::size_t removed = store_.purge_expired(before, limit);
    REQUIRE(removed == std::min(matching, limit));
    REQUIRE(forget_removed(before) == removed);
    return removed;
  }

  // A purge that others get in between of: `calls` must make some, and is to be run by whatever
  // lies between the steps of the purge. Checks what the contract says of it all the same.
  template <class Purge>
  void purge_among_calls(Timestamp before, std::size_t limit, Purge&& purge_store) {
    std::set<std::string> matching = ids_of([&](const auto& r) { return lapsed_by(r, before); });
    touched_.clear();
    removed_among_calls_ = 0;
    purging_ = before;
    const std::size_t removed = purge_store();
    purging_.reset();
    REQUIRE(removed <= limit);
    REQUIRE(removed_among_calls_ + forget_removed(before) == removed);
    if (removed == limit) return;
    for (const std::string& id : touched_) matching.erase(id);
    for (const std::string& id : matching) REQUIRE(records_.count(id) == 0);
  }

  // One of them, to be used between the steps of a purge.
  void call_during_purge() {
    next_key_ = random_() % keys_.size();
    const std::string id(keys_[*next_key_].encoded());
    if (purging_ && records_.count(id) != 0 && !store_.find(keys_[*next_key_])) {
      REQUIRE(lapsed_by(records_.at(id), *purging_));
      records_.erase(id);
      ++removed_among_calls_;
    }
    touched_.insert(id);
    one_in(4) ? save() : claim();
    next_key_.reset();
  }

  void any_call() {
    switch (random_() % 64) {
      case 0:
        purge();
        break;
      case 1:
        check_all();
        break;
      default:
        one_in(3) ? claim() : one_in(4) ? find() : save();
    }
  }

  void check_all() {
    REQUIRE(store_.size() == records_.size());
    for (const IdempotencyKey& key : keys_) {
      const auto at = records_.find(std::string(key.encoded()));
      const std::optional<IdempotencyRecord> found = store_.find(key);
      if (found != (at == records_.end() ? std::nullopt : std::optional(at->second))) {
        FAIL("not as the model has it: " << key.encoded());
      }
    }
  }

  // Any of the times where deadlines and purges may meet, in order or not.
  Timestamp random_time() {
    switch (random_() % 10) {
      case 0:
        return pick(std::array{Timestamp::min(), Timestamp::min() + one_tick, Timestamp{},
                               Timestamp{Duration{-1}}, Timestamp::max() - one_tick,
                               Timestamp::max()});
      default:
        return base + std::chrono::minutes{static_cast<long>(random_() % 12) * 20} +
               Duration{static_cast<long>(random_() % 3)};
    }
  }

 private:
  static constexpr std::array statuses{RecordStatus::pending, RecordStatus::completed,
                                       RecordStatus::failed, RecordStatus::expired};
  static const std::vector<AttemptToken>& tokens() {
    static const std::vector<AttemptToken> all = {AttemptToken{"token-1"}, AttemptToken{"token-2"},
                                                  AttemptToken{std::string(100, 't')}};
    return all;
  }
  static const std::vector<RequestFingerprint>& fingerprints() {
    static const std::vector<RequestFingerprint> all = {RequestFingerprint{"fingerprint-1"},
                                                        RequestFingerprint{"fingerprint-2"},
                                                        RequestFingerprint{std::string(500, 'f')}};
    return all;
  }
  static const std::vector<std::optional<ResultEnvelope>>& results() {
    static const std::vector<std::optional<ResultEnvelope>> all = {
        std::nullopt, ResultEnvelope::omitted(), ResultEnvelope{"result"},
        ResultEnvelope{std::string(1000, 'r')}};
    return all;
  }

  bool one_in(std::size_t n) { return random_() % n == 0; }
  template <class Values>
  typename Values::value_type pick(const Values& values) {
    return values[random_() % values.size()];
  }
  const IdempotencyKey& random_key() {
    return keys_[next_key_ ? *next_key_ : random_() % keys_.size()];
  }
  IdempotencyRecord random_record(const IdempotencyKey& key) {
    return {.key = key,
            .status = RecordStatus::pending,
            .fingerprint = pick(fingerprints()),
            .attempt_token = pick(tokens()),
            .fence = random_(),
            .result = std::nullopt,
            .created_at = random_time(),
            .last_transition_at = random_time(),
            .expires_at = one_in(8) ? std::nullopt : std::optional(random_time())};
  }

  static bool holds(const WriteGuard& guard, const IdempotencyRecord& stored) {
    const bool lapsed = stored.expires_at && guard.now > *stored.expires_at;
    return guard.attempt_token == stored.attempt_token && guard.fingerprint == stored.fingerprint &&
           guard.status == stored.status &&
           (guard.lease == LeaseCondition::any ||
            lapsed == (guard.lease == LeaseCondition::lapsed));
  }
  static bool lapsed_by(const IdempotencyRecord& record, Timestamp before) {
    return record.expires_at && *record.expires_at < before;
  }

  template <class Predicate>
  std::set<std::string> ids_of(Predicate matches) const {
    std::set<std::string> ids;
    for (const auto& [id, record] : records_) {
      if (matches(record)) ids.insert(id);
    }
    return ids;
  }

  // Effects: drops what the store has no more. Requires that all of it had lapsed by `before`.
  // Returns: how many.
  std::size_t forget_removed(Timestamp before) {
    const std::set<std::string> gone =
        ids_of([&](const IdempotencyRecord& record) { return !store_.find(record.key); });
    for (const std::string& id : gone) {
      if (!lapsed_by(records_.at(id), before)) FAIL("removed while it was needed: " << id);
      records_.erase(id);
    }
    return gone.size();
  }

  static Timestamp room_before(const IdempotencyRecord& candidate) {
    return saturating_subtract(candidate.created_at, retention_grace);
  }
  bool may_make_room(const IdempotencyRecord& candidate) const {
    return !ids_of([&](const auto& r) { return lapsed_by(r, room_before(candidate)); }).empty();
  }
  // Which lapsed records a claim at the limit gives up is the store's to choose: at least one, and
  // no pending one while there is a terminal one.
  void accept_removals_for(const IdempotencyRecord& candidate) {
    const auto terminal = ids_of([&](const auto& r) {
      return lapsed_by(r, room_before(candidate)) && r.status != RecordStatus::pending;
    });
    const auto pending = ids_of([](const auto& r) { return r.status == RecordStatus::pending; });
    REQUIRE(forget_removed(room_before(candidate)) >= 1);
    if (terminal.empty()) return;
    for (const std::string& id : pending) REQUIRE(records_.count(id) == 1);
  }

  InMemoryIdempotencyStore& store_;
  std::mt19937_64 random_;
  std::optional<std::size_t> max_records_;
  std::vector<IdempotencyKey> keys_;
  std::map<std::string, IdempotencyRecord> records_;

  std::optional<std::size_t> next_key_;
  std::optional<Timestamp> purging_;
  std::set<std::string> touched_;
  std::size_t removed_among_calls_ = 0;
};

}  // namespace nexus::idempotency::test
