// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_DETAIL_SHARD_MUTEX_HPP
#define NEXUS_IDEMPOTENCY_DETAIL_SHARD_MUTEX_HPP

// A lock whose readers don't meet. Under a mutex, threads that read the same thing pass its cache
// line to and fro, which costs more than the reading. Here a reader writes only to a line of its
// own thread's: it notes there what it reads, and then looks whether somebody is writing that. A
// writer first says that it writes, and then waits until no note names the same thing. Each side
// writes before it looks, all in one total order, so at least one of them sees the other.

#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <thread>
#include <utility>

#include "nexus/idempotency/detail/config.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace detail {

class ShardMutex;

// The threads' notes; one set serves any number of mutexes. 1 KiB.
class ReaderNotes {
 private:
  friend class ShardMutex;

  struct alignas(64) Note {
    std::atomic<const ShardMutex*> reading{nullptr};
  };

  // With more threads than notes, or where a shared library counts threads of its own, several
  // have the same; whoever finds it taken locks the mutex instead.
  [[nodiscard]] Note& of_this_thread() noexcept {
    static std::atomic<std::size_t> threads{0};
    thread_local const std::size_t number = threads.fetch_add(1, std::memory_order_relaxed);
    return notes_[number % notes_.size()];
  }

  void wait_until_unread(const ShardMutex& mutex) const noexcept {
    for (const Note& note : notes_) {
      for (unsigned looks = 1; note.reading.load() == &mutex; ++looks) {
        if (looks % 64 == 0) std::this_thread::yield();  // the reader is not running, it seems
      }
    }
  }

  std::array<Note, 16> notes_;
};

class ShardMutex {
 public:
  // What is written under the mutex is written while one of these lives.
  class WriteLock {
   public:
    WriteLock(ShardMutex& mutex, ReaderNotes& notes) : mutex_(mutex), notes_(notes) { lock(); }
    WriteLock(const WriteLock&) = delete;
    WriteLock& operator=(const WriteLock&) = delete;
    ~WriteLock() {
      if (locked_) unlock();
    }
    void lock() {
      mutex_.mutex_.lock();
      mutex_.writing_.store(true);
      notes_.wait_until_unread(mutex_);
      locked_ = true;
    }
    void unlock() noexcept {
      locked_ = false;
      mutex_.writing_.store(false, std::memory_order_release);
      mutex_.mutex_.unlock();
    }

   private:
    ShardMutex& mutex_;
    ReaderNotes& notes_;
    bool locked_ = false;
  };

  // Effects: calls `look()` while nobody writes; others may read meanwhile. It must be short, since
  // a writer spins for it, and must lock nothing itself.
  // Returns: what `look` returns. Errors: what `look` throws.
  template <class Read>
  auto read(ReaderNotes& notes, Read&& look) {
    ReaderNotes::Note& note = notes.of_this_thread();
    const ShardMutex* nothing = nullptr;
    if (note.reading.compare_exchange_strong(nothing, this)) {
      const Erasure erasure{note};
      if (!writing_.load()) return look();
    }
    const std::lock_guard lock(mutex_);
    return look();
  }

 private:
  struct Erasure {
    ReaderNotes::Note& note;
    ~Erasure() { note.reading.store(nullptr, std::memory_order_release); }
  };

  std::mutex mutex_;
  std::atomic<bool> writing_{false};
};

}  // namespace detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_DETAIL_SHARD_MUTEX_HPP
