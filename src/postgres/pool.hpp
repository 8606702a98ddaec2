// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_POSTGRES_POOL_HPP
#define NEXUS_IDEMPOTENCY_POSTGRES_POOL_HPP

// The connections of one store. The one that was used last is taken first: it is warm, here and in
// the server, and what is not needed any more shows.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "postgres/connection.hpp"

namespace nexus::idempotency::postgres {

// Thread-safety: safe.
class Pool {
 public:
  // Makes a connection. Errors: StoreError.
  using Connect = std::function<std::unique_ptr<Connection>()>;

  // `timeout`: how long to wait for a free connection.
  Pool(std::size_t size, std::chrono::milliseconds timeout, Connect connect);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // One connection, for the one who took it; goes back when it is destroyed.
  class Lease {
   public:
    explicit Lease(Pool& pool);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    [[nodiscard]] Connection& connection() noexcept { return *connection_; }

    // Effects: closes the connection, if that hasn't been done.
    void discard() noexcept;

    // Effects: closes it, and all that are idle: what broke this one has broken them, or they lead
    // to a server that is no longer the right one.
    void discard_all() noexcept;

   private:
    Pool& pool_;
    std::unique_ptr<Connection> connection_;
  };

  // Returns: a connection that is alive as far as can be told.
  // Errors: StoreErrc::exhausted after the pool's timeout; those of connecting.
  [[nodiscard]] Lease take() { return Lease(*this); }

 private:
  [[nodiscard]] std::unique_ptr<Connection> acquire();
  [[nodiscard]] std::unique_ptr<Connection> take_idle_or_place();
  void give_back(std::unique_ptr<Connection> connection) noexcept;
  void give_up_place() noexcept;

  const std::size_t size_;
  const std::chrono::milliseconds timeout_;
  const Connect connect_;

  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<Connection>> idle_;  // the last is taken first
  std::size_t places_taken_ = 0;                   // connections, and attempts at one
};

}  // namespace nexus::idempotency::postgres

#endif  // NEXUS_IDEMPOTENCY_POSTGRES_POOL_HPP
