// SPDX-License-Identifier: MIT
// A store as plain as the contract allows: one mutex and one map. Each of its steps can be
// overridden, which is how broken_*.hpp build one defect each into it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"

namespace conformance {

using namespace nexus::idempotency;

using Lock = std::unique_lock<std::mutex>;

// What the store objects over the same contents share.
struct Contents {
  std::mutex mutex;
  std::map<std::string, IdempotencyRecord> records;
  std::map<std::string, IdempotencyRecord> removed;  // for defects only
  const std::thread::id maker = std::this_thread::get_id();
  std::condition_variable visited;
  int visits = 0;
};

class ModelStore : public IdempotencyStore {
 public:
  explicit ModelStore(std::shared_ptr<Contents> contents) : contents_(std::move(contents)) {}

  std::optional<IdempotencyRecord> find(const IdempotencyKey& key) override {
    const Lock lock(contents_->mutex);
    const auto at = contents_->records.find(identity(key));
    if (at == contents_->records.end()) return std::nullopt;
    return at->second;
  }

  ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    Lock lock(contents_->mutex);
    const auto at = contents_->records.find(identity(candidate.key));
    if (at != contents_->records.end() && !may_claim(at->second, candidate)) return {at->second};
    before_claim(lock);
    contents_->records.insert_or_assign(identity(candidate.key), as_stored(candidate));
    return {};
  }

  bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override {
    Lock lock(contents_->mutex);
    const auto at = contents_->records.find(identity(next.key));
    if (at == contents_->records.end()) return false;
    if (!same_token(guard, at->second) || !same_fingerprint(guard, at->second) ||
        !same_status(guard, at->second) || !lease_holds(guard, at->second)) {
      return false;
    }
    const IdempotencyRecord written = as_stored(replaced(at->second, next));
    before_save(lock, next);
    contents_->records.insert_or_assign(identity(next.key), written);
    return true;
  }

  std::size_t purge_expired(Timestamp before, std::size_t limit) override {
    Lock lock(contents_->mutex);
    std::vector<std::string> doomed;
    for (const auto& [id, record] : contents_->records) {
      if (doomed.size() < limit && purgeable(record, before)) doomed.push_back(id);
    }
    before_removal(lock);
    for (const std::string& id : doomed) {
      if (auto node = contents_->records.extract(id)) contents_->removed.insert(std::move(node));
    }
    return doomed.size();
  }

 protected:
  virtual std::string identity(const IdempotencyKey& key) const {
    return std::string(key.encoded());
  }
  // What is left of a record after it went through the store's columns.
  virtual IdempotencyRecord as_stored(IdempotencyRecord record) const { return record; }

  virtual bool may_claim(const IdempotencyRecord&, const IdempotencyRecord&) const { return false; }

  virtual bool same_token(const WriteGuard& guard, const IdempotencyRecord& stored) const {
    return stored.attempt_token == guard.attempt_token;
  }
  virtual bool same_fingerprint(const WriteGuard& guard, const IdempotencyRecord& stored) const {
    return stored.fingerprint == guard.fingerprint;
  }
  virtual bool same_status(const WriteGuard& guard, const IdempotencyRecord& stored) const {
    return stored.status == guard.status;
  }
  virtual bool lease_holds(const WriteGuard& guard, const IdempotencyRecord& stored) const {
    const bool lapsed = stored.expires_at && guard.now > *stored.expires_at;
    return guard.lease == LeaseCondition::any || lapsed == (guard.lease == LeaseCondition::lapsed);
  }
  virtual bool is_renewal(const IdempotencyRecord& stored, const IdempotencyRecord& next) const {
    return stored.status == RecordStatus::pending && next.status == RecordStatus::pending &&
           stored.attempt_token == next.attempt_token;
  }
  virtual IdempotencyRecord replaced(const IdempotencyRecord& stored,
                                     IdempotencyRecord next) const {
    if (is_renewal(stored, next) && is_later(stored.expires_at, next.expires_at)) {
      next.expires_at = stored.expires_at;
    }
    return next;
  }
  virtual bool purgeable(const IdempotencyRecord& record, Timestamp before) const {
    return record.expires_at && *record.expires_at < before;
  }

  // Between the decision and the write; the lock is held, and must be when they return.
  virtual void before_claim(Lock&) {}
  virtual void before_save(Lock&, const IdempotencyRecord&) {}
  virtual void before_removal(Lock&) {}

  static bool is_later(const std::optional<Timestamp>& a, const std::optional<Timestamp>& b) {
    return b && (!a || *a > *b);  // none is later than any
  }

  // For defects: lets go of the lock until another call has got to such a place as well; for a
  // while only, for there may be none. Not on the thread that made the contents, which is the one
  // that runs the cases without threads.
  void let_others_in(Lock& lock) {
    if (std::this_thread::get_id() == contents_->maker) return;
    const int seen = ++contents_->visits;
    contents_->visited.notify_all();
    contents_->visited.wait_for(lock, std::chrono::milliseconds{10},
                                [&] { return contents_->visits != seen; });
  }

  std::shared_ptr<Contents> contents_;
};

}  // namespace conformance
