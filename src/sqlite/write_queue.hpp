// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_SQLITE_WRITE_QUEUE_HPP
#define NEXUS_IDEMPOTENCY_SQLITE_WRITE_QUEUE_HPP

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include "sqlite/patience.hpp"
#include "sqlite/session.hpp"

namespace nexus::idempotency::sqlite {

// The threads that want to write on the one connection for it. A thread that comes while nobody
// writes does so at once. Who comes later queues up; the next to write takes all that is queued
// with it into its transaction, so that one sync makes all of it durable. Nobody starves: a queue
// is taken as a whole, in the order of coming.
class WriteQueue {
 public:
  // At most so many writes in a transaction.
  static constexpr std::size_t max_together = 64;

  // `session` is used by one thread at a time, this object sees to that.
  explicit WriteQueue(Session& session) noexcept : session_(session) {}
  WriteQueue(const WriteQueue&) = delete;
  WriteQueue& operator=(const WriteQueue&) = delete;

  // Effects: calls `work(session)` within a transaction, on this thread or on another one, and
  // commits. It may be called again if a transaction of several had to be given up.
  // Returns: what `work` returned in the transaction that was committed.
  // Errors: of `work`; of the transaction; StoreErrc::contended if its turn did not come in time.
  template <class Work>
  auto write(Patience& patience, Work work) {
    struct Asked final : Request {
      Asked(Work& w, Patience& p) : Request(p), work(w) {}
      void run(Session& session) override { result.emplace(work(session)); }
      Work& work;
      std::optional<std::invoke_result_t<Work&, Session&>> result;
    } request(work, patience);
    settle(request);
    return std::move(*request.result);
  }

  // Effects: calls `work(session)` while nobody writes, and outside of any transaction.
  template <class Work>
  void alone(Patience& patience, Work work) {
    struct Asked final : Request {
      Asked(Work& w, Patience& p) : Request(p), work(w) { alone = true; }
      void run(Session& session) override { work(session); }
      Work& work;
    } request(work, patience);
    settle(request);
  }

  // Returns: how many threads are queued just now.
  [[nodiscard]] std::size_t waiting();

 private:
  // What a thread waits for. It lives on that thread's stack.
  struct Request {
    explicit Request(Patience& p) noexcept : patience(p) {}
    virtual void run(Session& session) = 0;

    Patience& patience;
    bool alone = false;
    enum class State { queued, taken, done } state = State::queued;
    std::exception_ptr error;
    std::condition_variable wake;
    Request* previous = nullptr;
    Request* next = nullptr;

   protected:
    ~Request() = default;
  };

  void settle(Request& request);
  void lead(Request& mine);
  void enqueue(Request& request) noexcept;
  void remove(Request& request) noexcept;

  Session& session_;
  std::mutex mutex_;
  bool led_ = false;          // whether a thread is using the session
  Request* first_ = nullptr;  // the queued, in the order of their coming
  Request* last_ = nullptr;
};

}  // namespace nexus::idempotency::sqlite

#endif  // NEXUS_IDEMPOTENCY_SQLITE_WRITE_QUEUE_HPP
