// SPDX-License-Identifier: MIT
// Stores with one defect each in `purge_expired`, or that shows only beside other threads or other
// store objects.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "conformance/model_store.hpp"

namespace conformance {

struct PurgeByStaleId final : ModelStore {
  using ModelStore::ModelStore;
  void before_removal(Lock& lock) override { let_others_in(lock); }
};

struct PurgeAtTheDeadline final : ModelStore {
  using ModelStore::ModelStore;
  bool purgeable(const IdempotencyRecord& record, Timestamp before) const override {
    return record.expires_at && *record.expires_at <= before;
  }
};

struct PurgeWithoutDeadline final : ModelStore {
  using ModelStore::ModelStore;
  bool purgeable(const IdempotencyRecord& record, Timestamp before) const override {
    return record.expires_at < before;  // std::optional: nothing is less than any time
  }
};

struct PurgeSparesPending final : ModelStore {
  using ModelStore::ModelStore;
  bool purgeable(const IdempotencyRecord& record, Timestamp before) const override {
    return record.status != RecordStatus::pending && ModelStore::purgeable(record, before);
  }
};

struct PurgeOverItsLimit final : ModelStore {
  using ModelStore::ModelStore;
  std::size_t purge_expired(Timestamp before, std::size_t) override {
    return ModelStore::purge_expired(before, std::numeric_limits<std::size_t>::max());
  }
};

struct PurgeReportsItsLimit final : ModelStore {
  using ModelStore::ModelStore;
  std::size_t purge_expired(Timestamp before, std::size_t limit) override {
    ModelStore::purge_expired(before, limit);
    return limit;
  }
};

struct PurgeByTheFirstDeadline final : ModelStore {
  using ModelStore::ModelStore;
  ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    const auto answer = ModelStore::claim_pending(candidate);
    const Lock lock(contents_->mutex);
    if (answer.claimed_new())
      first_.insert_or_assign(identity(candidate.key), candidate.expires_at);
    return answer;
  }
  bool purgeable(const IdempotencyRecord& record, Timestamp before) const override {
    const auto at = first_.find(identity(record.key));
    return at != first_.end() && at->second && *at->second < before;
  }
  std::map<std::string, std::optional<Timestamp>> first_;
};

struct PurgeLeavesTheKeyTaken final : ModelStore {
  using ModelStore::ModelStore;
  ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    {
      const Lock lock(contents_->mutex);
      const auto at = contents_->removed.find(identity(candidate.key));
      if (at != contents_->removed.end()) return {at->second};
    }
    return ModelStore::claim_pending(candidate);
  }
};

// contents and objects

struct ResultsNotDurable final : ModelStore {
  explicit ResultsNotDurable(std::shared_ptr<Contents> contents) : ModelStore(std::move(contents)) {
    const Lock lock(contents_->mutex);
    for (auto& [id, record] : contents_->records) record.result = std::nullopt;
  }
};

struct PurgeNotDurable final : ModelStore {
  explicit PurgeNotDurable(std::shared_ptr<Contents> contents) : ModelStore(std::move(contents)) {
    const Lock lock(contents_->mutex);
    contents_->records.merge(contents_->removed);
  }
};

// Reads are answered from a cache that only this object's own writes bring up to date.
struct ObjectCachesReads final : ModelStore {
  using ModelStore::ModelStore;
  std::optional<IdempotencyRecord> find(const IdempotencyKey& key) override {
    const std::lock_guard lock(cache_mutex_);
    const auto at = cache_.find(identity(key));
    if (at != cache_.end()) return at->second;
    auto found = ModelStore::find(key);
    if (found) cache_.emplace(identity(key), *found);
    return found;
  }
  bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override {
    const std::lock_guard lock(cache_mutex_);
    cache_.erase(identity(next.key));
    return ModelStore::save_if(guard, next);
  }
  std::size_t purge_expired(Timestamp before, std::size_t limit) override {
    const std::lock_guard lock(cache_mutex_);
    cache_.clear();
    return ModelStore::purge_expired(before, limit);
  }
  std::mutex cache_mutex_;
  std::map<std::string, IdempotencyRecord> cache_;
};

// threads

// Atomic among the threads that use this object, but not between two objects.
struct LockPerObject final : ModelStore {
  using ModelStore::ModelStore;
  ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    const std::lock_guard lock(own_mutex_);
    return ModelStore::claim_pending(candidate);
  }
  bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override {
    const std::lock_guard lock(own_mutex_);
    return ModelStore::save_if(guard, next);
  }
  std::size_t purge_expired(Timestamp before, std::size_t limit) override {
    const std::lock_guard lock(own_mutex_);
    return ModelStore::purge_expired(before, limit);
  }
  void before_claim(Lock& lock) override { let_others_in(lock); }
  void before_save(Lock& lock, const IdempotencyRecord&) override { let_others_in(lock); }
  void before_removal(Lock& lock) override { let_others_in(lock); }
  std::mutex own_mutex_;
};

// Reads everything, changes one record, writes everything back.
struct AllWrittenBack final : ModelStore {
  using ModelStore::ModelStore;
  void before_claim(Lock& lock) override {
    const auto all = contents_->records;
    let_others_in(lock);
    contents_->records = all;
  }
};

struct FieldsWrittenOneByOne final : ModelStore {
  using ModelStore::ModelStore;
  void before_save(Lock& lock, const IdempotencyRecord& next) override {
    contents_->records.at(identity(next.key)).attempt_token = next.attempt_token;
    let_others_in(lock);
  }
};

}  // namespace conformance
