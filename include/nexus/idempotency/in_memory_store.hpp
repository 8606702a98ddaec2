// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_IN_MEMORY_STORE_HPP
#define NEXUS_IDEMPOTENCY_IN_MEMORY_STORE_HPP

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "nexus/idempotency/decision.hpp"
#include "nexus/idempotency/detail/config.hpp"
#include "nexus/idempotency/detail/keyed_hash.hpp"
#include "nexus/idempotency/detail/memory_record.hpp"
#include "nexus/idempotency/detail/memory_table.hpp"
#include "nexus/idempotency/detail/shard_mutex.hpp"
#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/policy.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/time.hpp"

namespace nexus::idempotency {
inline namespace v0 {

struct InMemoryStoreOptions {
  // How many records the store holds at most; nullopt: as many as there is memory for. At the
  // limit a new claim first removes records that lapsed more than retention_grace before it was
  // made, terminal ones before pending ones, and is refused with StoreErrc::exhausted if there are
  // none: a record that may still be needed is never given up.
  std::optional<std::size_t> max_records;
};

// A store in the memory of one process: for tests, for tools, and for services of one process whose
// commands need not survive it.
//
// It keeps records until they are purged (see purge_expired) or the limit above is reached.
// Cost: about 140 bytes a record over the bytes of key, fingerprint, token and result. A write
// holds one of 256 locks for one lookup; growing a part of the table, or a step of a purge, holds
// one for well under a millisecond. Replays and finds don't wait for one another. Thread-safety:
// safe. Lifetimes: what it returns does not depend on it.
class NEXUS_IDEMPOTENCY_API InMemoryIdempotencyStore final : public IdempotencyStore {
 public:
  // Errors of both: IdempotencyError if the system gives no random bytes (for the hash).
  InMemoryIdempotencyStore() : InMemoryIdempotencyStore(InMemoryStoreOptions{}) {}
  explicit InMemoryIdempotencyStore(InMemoryStoreOptions options) : options_(options) {}
  InMemoryIdempotencyStore(const InMemoryIdempotencyStore&) = delete;
  InMemoryIdempotencyStore& operator=(const InMemoryIdempotencyStore&) = delete;

  // Errors: std::bad_alloc.
  [[nodiscard]] std::optional<IdempotencyRecord> find(const IdempotencyKey& key) override {
    const std::uint64_t hash = hash_(key.encoded());
    Shard& shard = shard_of(hash);
    return shard.mutex.read(notes_, [&]() -> std::optional<IdempotencyRecord> {
      const Slot* slot = shard.table.find(hash, key.encoded());
      if (slot == nullptr) return std::nullopt;
      return slot->record->restore(key, slot->deadline, nullptr);
    });
  }

  // Errors: StoreErrc::exhausted at max_records; std::bad_alloc.
  [[nodiscard]] ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    const std::string_view encoded = candidate.key.encoded();
    const std::uint64_t hash = hash_(encoded);
    Shard& shard = shard_of(hash);
    const auto look = [&]() -> std::optional<IdempotencyRecord> {
      const Slot* slot = shard.table.find(hash, encoded);
      if (slot == nullptr) return std::nullopt;
      return std::optional<IdempotencyRecord>(std::in_place, Restored{*slot, candidate});
    };
    ClaimPendingResult answer{shard.mutex.read(notes_, look)};
    if (!answer.claimed_new()) return answer;

    Reservation reservation(*this);
    Table::Slots slots;  // outlives the lock, as whatever it holds is freed outside of it
    for (;;) {
      WriteLock lock(shard.mutex, notes_);
      answer.existing = look();
      if (!answer.claimed_new()) return answer;
      if (!reservation.take()) {
        lock.unlock();
        make_room(saturating_subtract(candidate.created_at, retention_grace));
        continue;
      }
      if (!shard.table.has_room()) {
        const std::size_t capacity = shard.table.next_capacity();
        reservation.drop();  // or duplicates of this claim would be refused for want of places
        lock.unlock();
        slots = Table::Slots(capacity);  // the first touch of its pages takes long
        lock.lock();
        // Another thread may have grown it in the meantime, or claimed the key.
        if (shard.table.next_capacity() == capacity) shard.table.grow_into(slots);
        continue;
      }
      const Timestamp deadline = candidate.expires_at.value_or(no_deadline);
      shard.table.insert(
          {hash, deadline,
           MemoryRecord::make(candidate, candidate.expires_at.has_value()).release()});
      shard.note_deadline(deadline);
      reservation.keep();
      return answer;
    }
  }

  // Errors: std::bad_alloc, and then nothing was changed.
  [[nodiscard]] bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override {
    const std::uint64_t hash = hash_(next.key.encoded());
    Shard& shard = shard_of(hash);
    // What the write replaces is freed after the lock.
    MemoryRecord::Pointer replaced;
    ResultEnvelope replaced_result = ResultEnvelope::omitted();

    const WriteLock lock(shard.mutex, notes_);
    Slot* slot = shard.table.find(hash, next.key.encoded());
    if (slot == nullptr || !holds(guard, *slot)) return false;
    MemoryRecord& stored = *slot->record;
    std::optional<Timestamp> expires_at = next.expires_at;
    if (stored.status() == RecordStatus::pending && next.status == RecordStatus::pending &&
        stored.has(next.attempt_token)) {
      expires_at = later_deadline(expires_at, deadline_of(*slot));
    }
    if (stored.has(next.attempt_token) && stored.has(next.fingerprint)) {
      stored.update(next, expires_at.has_value(), replaced_result);
    } else {
      replaced = MemoryRecord::make(next, expires_at.has_value());
      slot->record = replaced.release();
      replaced.reset(&stored);
    }
    slot->deadline = expires_at.value_or(no_deadline);
    shard.note_deadline(slot->deadline);
    return true;
  }

  // A step that holds a lock looks at no more than 256 places. One call at a time works; others
  // wait for it, while claims and writes go on.
  // Errors: none.
  std::size_t purge_expired(Timestamp before, std::size_t limit) override {
    const std::lock_guard lock(purge_mutex_);
    return sweep_all(before, Sweep::all, limit);
  }

  // Returns: the number of records, lapsed ones included; while others write, a number that was
  // right for each part of the store at some moment of the call.
  [[nodiscard]] std::size_t size() const {
    std::size_t size = 0;
    for (const Shard& shard : shards_) {
      const WriteLock lock(shard.mutex, notes_);
      size += shard.table.size();
    }
    return size;
  }

 private:
  using Table = detail::MemoryTable;
  using Slot = detail::MemoryTable::Slot;
  using MemoryRecord = detail::MemoryRecord;
  using WriteLock = detail::ShardMutex::WriteLock;

  // Converts to the record of a slot, straight into where it is wanted.
  struct Restored {
    const Slot& slot;
    const IdempotencyRecord& candidate;
    operator IdempotencyRecord() const {
      return slot.record->restore(candidate.key, slot.deadline, &candidate.fingerprint);
    }
  };

  static constexpr std::size_t shard_count = 256;
  static constexpr std::size_t slots_per_hold = 256;
  static constexpr std::size_t removals_per_hold = 64;
  // Never before any time, so what has it is never swept.
  static constexpr Timestamp no_deadline = Timestamp::max();

  enum class Sweep { all, terminal_only };

  struct alignas(64) Shard {
    mutable detail::ShardMutex mutex;
    Table table;
    // No record of the table has an earlier deadline. It spares a sweep, and a claim at the limit,
    // from looking where nothing can have lapsed.
    Timestamp earliest = no_deadline;

    void note_deadline(Timestamp deadline) noexcept { earliest = std::min(earliest, deadline); }
  };

  // A place under max_records: taken for a claim, given back unless the claim is kept.
  class Reservation {
   public:
    explicit Reservation(InMemoryIdempotencyStore& store) noexcept : store_(store) {}
    Reservation(const Reservation&) = delete;
    Reservation& operator=(const Reservation&) = delete;
    ~Reservation() { drop(); }

    [[nodiscard]] bool take() noexcept {
      if (taken_ || !store_.options_.max_records) return true;
      // Never above the limit, not for a moment: another claim would be refused for it.
      std::size_t reserved = store_.reserved_.load();
      do {
        if (reserved >= *store_.options_.max_records) return false;
      } while (!store_.reserved_.compare_exchange_weak(reserved, reserved + 1));
      return taken_ = true;
    }
    void drop() noexcept {
      if (std::exchange(taken_, false)) store_.give_back(1);
    }
    void keep() noexcept { taken_ = false; }

   private:
    InMemoryIdempotencyStore& store_;
    bool taken_ = false;
  };

  void give_back(std::size_t places) noexcept {
    if (options_.max_records) reserved_.fetch_sub(places);
  }

  [[nodiscard]] Shard& shard_of(std::uint64_t hash) noexcept {
    return shards_[static_cast<std::size_t>(hash >> 56)];  // the table uses the low bits
  }

  [[nodiscard]] static std::optional<Timestamp> deadline_of(const Slot& slot) noexcept {
    if (!slot.record->has_deadline()) return std::nullopt;
    return slot.deadline;
  }

  [[nodiscard]] static bool holds(const WriteGuard& guard, const Slot& slot) noexcept {
    const MemoryRecord& stored = *slot.record;
    return stored.status() == guard.status && stored.has(guard.attempt_token) &&
           stored.has(guard.fingerprint) &&
           (guard.lease == LeaseCondition::any ||
            lapsed(deadline_of(slot), guard.now, Duration{0}) ==
                (guard.lease == LeaseCondition::lapsed));
  }

  // Effects: removes some records that lapsed before `before`.
  // Errors: StoreErrc::exhausted if there are none.
  void make_room(Timestamp before) {
    constexpr std::size_t batch = 64;  // the next claims find room too
    const std::lock_guard lock(purge_mutex_);
    if (reserved_.load() < *options_.max_records) return;  // another claim has just made room
    if (sweep_all(before, Sweep::terminal_only, batch) > 0) return;
    if (sweep_all(before, Sweep::all, batch) > 0) return;
    throw StoreError(StoreErrc::exhausted, "the in-memory store is at max_records");
  }

  // Preconditions: purge_mutex_ is held, so nobody else removes records.
  std::size_t sweep_all(Timestamp before, Sweep which, std::size_t limit) {
    std::size_t removed = 0;
    for (Shard& shard : shards_) {
      if (removed == limit) break;
      removed += sweep(shard, before, which, limit - removed);
    }
    give_back(removed);
    return removed;
  }

  std::size_t sweep(Shard& shard, Timestamp before, Sweep which, std::size_t limit) {
    std::size_t removed_in_all = 0;
    std::size_t index = 0;
    std::optional<std::size_t> capacity;     // of the table that `index` is a place of
    Timestamp known_earliest = no_deadline;  // what it was, until every slot has been seen
    for (bool done = false; !done;) {
      std::array<MemoryRecord::Pointer, removals_per_hold> garbage;  // freed outside of the lock
      std::size_t removed = 0;
      const WriteLock lock(shard.mutex, notes_);
      Table& table = shard.table;
      if (capacity != table.capacity()) {
        if (!capacity && shard.earliest >= before) return 0;
        index = 0;  // the table has grown and everything stands elsewhere: start over
        capacity = table.capacity();
        known_earliest = std::min(known_earliest, shard.earliest);
        shard.earliest = no_deadline;
      }
      const std::size_t end = std::min(*capacity, index + slots_per_hold);
      while (index < end && removed < removals_per_hold && removed_in_all < limit) {
        const Slot& slot = table.slot(index);
        if (slot.record != nullptr && slot.deadline < before &&
            (which == Sweep::all || slot.record->status() != RecordStatus::pending)) {
          garbage[removed++] = table.remove(index);  // another may stand here now: look again
          ++removed_in_all;
          continue;
        }
        if (slot.record != nullptr) shard.note_deadline(slot.deadline);
        ++index;
      }
      done = index == capacity || removed_in_all == limit;
      if (index < *capacity && done) shard.note_deadline(known_earliest);
    }
    return removed_in_all;
  }

  const InMemoryStoreOptions options_;
  const detail::KeyedHash hash_;
  mutable detail::ReaderNotes notes_;
  std::array<Shard, shard_count> shards_;
  std::atomic<std::size_t> reserved_{0};  // counted only under max_records
  std::mutex purge_mutex_;
};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_IN_MEMORY_STORE_HPP
