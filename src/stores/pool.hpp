// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_STORES_POOL_HPP
#define NEXUS_IDEMPOTENCY_STORES_POOL_HPP

// Connections to one server or file. A thread gets the one that it had before, if that is free:
// what serves it, a process of the server's or the pages at hand, is on the same processor then.
// Otherwise the one that was used last.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "stores/milliseconds.hpp"

namespace nexus::idempotency::stores {

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
  struct Idle {
    std::unique_ptr<Connection> connection;
    std::thread::id last_user;
  };

  [[nodiscard]] std::unique_ptr<Connection> acquire() {
    std::unique_ptr<Connection> connection = take_idle_or_place();
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

  [[nodiscard]] std::unique_ptr<Connection> take_idle_or_place() {
    std::unique_lock lock(mutex_);
    const auto is_free = [this] { return !idle_.empty() || places_taken_ < size_; };
    if (!is_free() && !freed_.wait_until(lock, deadline_in(timeout_), is_free)) {
      throw StoreError(StoreErrc::exhausted, "all connections of the pool are in use");
    }
    if (idle_.empty()) {
      idle_.reserve(places_taken_ + 1);  // so that giving back can't fail
      ++places_taken_;
      return nullptr;
    }
    const auto own = std::find_if(idle_.rbegin(), idle_.rend(), [](const Idle& idle) {
      return idle.last_user == std::this_thread::get_id();
    });
    const auto taken = own != idle_.rend() ? std::prev(own.base()) : std::prev(idle_.end());
    std::unique_ptr<Connection> connection = std::move(taken->connection);
    idle_.erase(taken);
    return connection;
  }

  void give_back(std::unique_ptr<Connection> connection) noexcept {
    {
      const std::scoped_lock lock(mutex_);
      idle_.push_back({std::move(connection), std::this_thread::get_id()});
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
    std::unique_ptr<Connection> idle;
    {
      const std::scoped_lock lock(mutex_);
      if (idle_.empty()) return false;
      idle = std::move(idle_.back().connection);
      idle_.pop_back();
    }
    idle.reset();
    give_up_place();
    return true;
  }

  const std::size_t size_;
  const std::chrono::milliseconds timeout_;
  const Connect connect_;

  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<Idle> idle_;        // in the order in which they were given back
  std::size_t places_taken_ = 0;  // connections, and attempts at one
};

}  // namespace nexus::idempotency::stores

#endif  // NEXUS_IDEMPOTENCY_STORES_POOL_HPP
