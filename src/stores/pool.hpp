// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_STORES_POOL_HPP
#define NEXUS_IDEMPOTENCY_STORES_POOL_HPP

// Connections to one server or file. A thread gets the one that it had before, if that is free:
// what serves it, a process of the server's or the pages at hand, is on the same processor then.
// As long as nobody waits, taking that one and giving it back is an atomic exchange each.

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "stores/milliseconds.hpp"

namespace nexus::idempotency::stores {

// A place for an idle connection, which threads exchange without a lock.
template <class Connection>
class alignas(64) PoolSlot {  // a cache line each: threads must not meet in one
 public:
  PoolSlot() = default;
  ~PoolSlot() { (void)exchange(nullptr); }
  PoolSlot(const PoolSlot&) = delete;
  PoolSlot& operator=(const PoolSlot&) = delete;

  // Returns: what was in it, if anything.
  std::unique_ptr<Connection> exchange(std::unique_ptr<Connection> next) noexcept {
    return std::unique_ptr<Connection>(idle_.exchange(next.release()));
  }

 private:
  std::atomic<Connection*> idle_{nullptr};  // owned
};

// Returns: this thread's number, from 0 on, in the order in which threads first asked.
[[nodiscard]] inline std::size_t thread_number() noexcept {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t number = next.fetch_add(1, std::memory_order_relaxed);
  return number;
}

// `Connection` has is_alive(): whether it can still be used, as far as can be told at once.
// Thread-safety: safe.
template <class Connection>
class Pool {
 public:
  // Makes a connection. Errors: StoreError.
  using Connect = std::function<std::unique_ptr<Connection>()>;

  // `timeout`: how long to wait for a free connection.
  Pool(std::size_t size, std::chrono::milliseconds timeout, Connect connect)
      : size_(size), timeout_(timeout), connect_(std::move(connect)) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // One connection, for the one who took it; goes back when it is destroyed.
  class Lease {
   public:
    explicit Lease(Pool& pool) : pool_(pool), connection_(pool.acquire()) {}
    ~Lease() {
      if (connection_) pool_.give_back(std::move(connection_));
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    [[nodiscard]] Connection& connection() noexcept { return *connection_; }

    // Effects: closes the connection, if that hasn't been done.
    void discard() noexcept {
      if (!connection_) return;
      connection_.reset();
      pool_.give_up_place();
    }

    // Effects: closes it, and all that are idle: what broke this one has broken them, or they lead
    // to a server that is no longer the right one.
    void discard_all() noexcept {
      discard();
      while (pool_.close_an_idle_one()) {
      }
    }

   private:
    Pool& pool_;
    std::unique_ptr<Connection> connection_;
  };

  // Returns: a connection that is alive as far as can be told.
  // Errors: StoreErrc::exhausted after the pool's timeout; those of connecting.
  [[nodiscard]] Lease take() { return Lease(*this); }

 private:
  using Handle = std::unique_ptr<Connection>;

  [[nodiscard]] Handle acquire() {
    Handle connection = own_slot().exchange(nullptr);
    if (!connection) connection = take_idle_or_place();
    // Connecting and closing are done without the lock.
    if (connection && !connection->is_alive()) connection.reset();
    if (connection) return connection;
    try {
      return connect_();
    } catch (...) {
      give_up_place();
      throw;
    }
  }

  // Returns: a connection; or nothing, and one may be made.
  [[nodiscard]] Handle take_idle_or_place() {
    std::unique_lock lock(mutex_);
    Handle connection;
    const auto found = [&] {
      connection = take_idle();
      return connection || places_taken_ < size_;
    };
    if (!found()) {
      const Waiting waiting(waiting_);  // before it looks again
      if (!freed_.wait_until(lock, deadline_in(timeout_), found)) {
        throw StoreError(StoreErrc::exhausted, "all connections of the pool are in use");
      }
    }
    if (!connection) {
      idle_.reserve(places_taken_ + 1);  // so that giving back can't fail
      ++places_taken_;
    }
    return connection;
  }

  // Preconditions: mutex_ is held. Returns: an idle connection, if there is one.
  [[nodiscard]] Handle take_idle() noexcept {
    if (!idle_.empty()) {
      Handle connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
    for (Slot& slot : slots_) {
      if (Handle connection = slot.exchange(nullptr)) return connection;
    }
    return nullptr;
  }

  // Nobody waits for a connection that is in a slot: who waits has said so before the last look
  // into the slots, and here the slot is filled before the look at who waits; all of that in one
  // order for all threads (seq_cst). Either the connection is seen, or the one who waits is.
  void give_back(Handle connection) noexcept {
    Handle other = own_slot().exchange(std::move(connection));
    if (!other && waiting_ == 0) return;
    {
      const std::scoped_lock lock(mutex_);
      if (other) idle_.push_back(std::move(other));
    }
    freed_.notify_one();
  }

  void give_up_place() noexcept {
    {
      const std::scoped_lock lock(mutex_);
      --places_taken_;
    }
    freed_.notify_one();
  }

  // Returns: whether there was one.
  bool close_an_idle_one() noexcept {
    Handle idle;
    {
      const std::scoped_lock lock(mutex_);
      idle = take_idle();
    }
    if (!idle) return false;
    idle.reset();
    give_up_place();
    return true;
  }

  using Slot = PoolSlot<Connection>;

  // Counts a thread that waits, as long as it lives.
  class Waiting {
   public:
    explicit Waiting(std::atomic<std::size_t>& count) noexcept : count_(count) { ++count_; }
    ~Waiting() { --count_; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   private:
    std::atomic<std::size_t>& count_;
  };

  [[nodiscard]] Slot& own_slot() noexcept { return slots_[thread_number() % slots_.size()]; }

  const std::size_t size_;
  const std::chrono::milliseconds timeout_;
  const Connect connect_;

  // Each thread gives back into its own, which it shares only with threads that are many numbers
  // away. Others take from it only if they find no idle connection elsewhere.
  std::array<Slot, 32> slots_;
  std::atomic<std::size_t> waiting_{0};  // threads

  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<Handle> idle_;      // the other ones, in the order in which they were given back
  std::size_t places_taken_ = 0;  // connections, and attempts at one
};

}  // namespace nexus::idempotency::stores

#endif  // NEXUS_IDEMPOTENCY_STORES_POOL_HPP
