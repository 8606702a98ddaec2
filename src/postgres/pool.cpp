// SPDX-License-Identifier: MIT
#include "postgres/pool.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

#include "nexus/idempotency/errors.hpp"
#include "postgres/connection.hpp"
#include "postgres/milliseconds.hpp"

namespace nexus::idempotency::postgres {

Pool::Pool(std::size_t size, std::chrono::milliseconds timeout, Connect connect)
    : size_(size), timeout_(timeout), connect_(std::move(connect)) {}

Pool::Lease::Lease(Pool& pool) : pool_(pool), connection_(pool.acquire()) {}

Pool::Lease::~Lease() {
  if (connection_) pool_.give_back(std::move(connection_));
}

void Pool::Lease::discard() noexcept {
  if (!connection_) return;
  connection_.reset();
  pool_.give_up_place();
}

void Pool::Lease::discard_all() noexcept {
  discard();
  for (;;) {
    std::unique_ptr<Connection> other;
    {
      const std::scoped_lock lock(pool_.mutex_);
      if (pool_.idle_.empty()) return;
      other = std::move(pool_.idle_.back());
      pool_.idle_.pop_back();
    }
    other.reset();
    pool_.give_up_place();
  }
}

std::unique_ptr<Connection> Pool::acquire() {
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

std::unique_ptr<Connection> Pool::take_idle_or_place() {
  std::unique_lock lock(mutex_);
  const auto is_free = [this] { return !idle_.empty() || places_taken_ < size_; };
  if (!is_free() && !freed_.wait_until(lock, deadline_in(timeout_), is_free)) {
    throw StoreError(StoreErrc::exhausted, "all connections of the pool are in use");
  }
  std::unique_ptr<Connection> connection;
  if (idle_.empty()) {
    idle_.reserve(places_taken_ + 1);  // so that giving back can't fail
    ++places_taken_;
  } else {
    connection = std::move(idle_.back());
    idle_.pop_back();
  }
  return connection;
}

void Pool::give_back(std::unique_ptr<Connection> connection) noexcept {
  {
    const std::scoped_lock lock(mutex_);
    idle_.push_back(std::move(connection));
  }
  freed_.notify_one();
}

void Pool::give_up_place() noexcept {
  {
    const std::scoped_lock lock(mutex_);
    --places_taken_;
  }
  freed_.notify_one();
}

}  // namespace nexus::idempotency::postgres
