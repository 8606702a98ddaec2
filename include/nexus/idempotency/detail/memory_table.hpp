// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_DETAIL_MEMORY_TABLE_HPP
#define NEXUS_IDEMPOTENCY_DETAIL_MEMORY_TABLE_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/idempotency/detail/memory_record.hpp"
#include "nexus/idempotency/time.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace detail {

// A hash table of records: open addressing with linear probing, removal by shifting back. Hash and
// deadline stand in the slot, so that growing and looking for lapsed records touch no record.
// Thread-safety: the owner's lock guards it.
class MemoryTable {
 public:
  struct Slot {
    std::uint64_t hash = 0;
    Timestamp deadline{};  // Timestamp::max() for a record without one
    MemoryRecord* record = nullptr;
  };
  using Slots = std::vector<Slot>;

  MemoryTable() = default;
  MemoryTable(const MemoryTable&) = delete;
  MemoryTable& operator=(const MemoryTable&) = delete;
  ~MemoryTable() {
    for (const Slot& slot : slots_) MemoryRecord::Pointer(slot.record).reset();
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return slots_.size(); }
  [[nodiscard]] Slot& slot(std::size_t index) noexcept { return slots_[index]; }

  // Returns: the slot of the key, or null.
  [[nodiscard]] Slot* find(std::uint64_t hash, std::string_view encoded_key) noexcept {
    if (slots_.empty()) return nullptr;
    for (std::size_t i = home(hash); slots_[i].record != nullptr; i = next(i)) {
      if (slots_[i].hash != hash) continue;
      slots_[i].record->prefetch();
      if (slots_[i].record->encoded_key() == encoded_key) return &slots_[i];
    }
    return nullptr;
  }

  // At most three quarters full: probes stay short, and there is always an empty slot.
  [[nodiscard]] bool has_room() const noexcept { return (size_ + 1) * 4 <= capacity() * 3; }
  [[nodiscard]] std::size_t next_capacity() const noexcept {
    return slots_.empty() ? 8 : capacity() * 2;
  }

  // Effects: moves to `larger`, which holds the old slots afterwards, for the caller to free
  // outside of its lock. Preconditions: larger.size() is next_capacity(), all slots empty.
  void grow_into(Slots& larger) noexcept {
    std::swap(slots_, larger);
    for (const Slot& slot : larger) {
      if (slot.record != nullptr) place(slot);
    }
  }

  // Preconditions: has_room(), and the key is not in the table.
  void insert(const Slot& slot) noexcept {
    place(slot);
    ++size_;
  }

  // Effects: empties a slot and shifts others back over it, so that what stood behind `index`
  // may stand at it now. Returns: what it held.
  MemoryRecord::Pointer remove(std::size_t index) noexcept {
    MemoryRecord::Pointer removed(slots_[index].record);
    for (std::size_t i = next(index); slots_[i].record != nullptr; i = next(i)) {
      const std::size_t probed = (i - home(slots_[i].hash)) & (capacity() - 1);
      const std::size_t shift = (i - index) & (capacity() - 1);
      if (probed >= shift) {
        slots_[index] = slots_[i];
        index = i;
      }
    }
    slots_[index] = Slot{};
    --size_;
    return removed;
  }

 private:
  [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept {
    return static_cast<std::size_t>(hash) & (capacity() - 1);
  }
  [[nodiscard]] std::size_t next(std::size_t index) const noexcept {
    return (index + 1) & (capacity() - 1);
  }
  void place(const Slot& slot) noexcept {
    std::size_t i = home(slot.hash);
    while (slots_[i].record != nullptr) i = next(i);
    slots_[i] = slot;
  }

  Slots slots_;  // a power of two of them, or none
  std::size_t size_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_DETAIL_MEMORY_TABLE_HPP
