// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_SQLITE_READER_POOL_HPP
#define NEXUS_IDEMPOTENCY_SQLITE_READER_POOL_HPP

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "sqlite/patience.hpp"
#include "sqlite/session.hpp"

namespace nexus::idempotency::sqlite {

// Sessions for reading: made as they are needed, and handed out one to a call.
class ReaderPool {
 public:
  ReaderPool(const Texts& texts, const Place& place, std::size_t max)
      : texts_(texts), place_(place), max_(max) {}

  // Effects: lends a session to `read` for as long as that takes.
  // Returns: what `read` returns. Errors: of `read`; StoreErrc::exhausted if none became free.
  template <class Read>
  auto with(Patience& patience, Read read) {
    const Loan loan{*this, take(patience)};
    loan.session->wait_with(&patience);
    return read(*loan.session);
  }

 private:
  struct Loan {
    ~Loan() { pool.give_back(session); }
    ReaderPool& pool;
    Session* session;
  };

  Session* take(Patience& patience) {
    std::unique_lock guard(mutex_);
    while (free_.empty() && all_.size() == max_) {
      if (given_back_.wait_until(guard, patience.end()) == std::cv_status::no_timeout) continue;
      if (!free_.empty()) break;
      throw StoreError(StoreErrc::exhausted, "all connections for reading are in use");
    }
    if (free_.empty()) {
      free_.reserve(all_.size() + 1);  // so that giving back never allocates
      all_.push_back(std::make_unique<Session>(texts_, place_));
      return all_.back().get();
    }
    Session* const session = free_.back();  // the one used last: its pages are at hand
    free_.pop_back();
    return session;
  }

  void give_back(Session* session) noexcept {
    session->wait_with(nullptr);
    const std::lock_guard guard(mutex_);
    free_.push_back(session);
    given_back_.notify_one();
  }

  const Texts& texts_;
  const Place& place_;
  const std::size_t max_;
  std::mutex mutex_;
  std::condition_variable given_back_;
  std::vector<std::unique_ptr<Session>> all_;
  std::vector<Session*> free_;
};

}  // namespace nexus::idempotency::sqlite

#endif  // NEXUS_IDEMPOTENCY_SQLITE_READER_POOL_HPP
