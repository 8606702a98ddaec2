// SPDX-License-Identifier: MIT
#include "sqlite/write_queue.hpp"

#include <array>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <new>
#include <span>
#include <string>

#include "nexus/idempotency/errors.hpp"

namespace nexus::idempotency::sqlite {
namespace {

// Returns: an error that says the same, but shares nothing with the given one: each thread throws,
// reads and destroys its own.
std::exception_ptr anew(const std::exception_ptr& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const StoreError& store_error) {
    try {
      // what() begins with the code's name, which the constructor puts there.
      const std::size_t prefix = to_string(store_error.code()).size() + 2;
      return std::make_exception_ptr(StoreError(store_error.code(), store_error.what() + prefix,
                                                std::string(store_error.native_code())));
    } catch (...) {
      return std::current_exception();
    }
  } catch (...) {
    return std::make_exception_ptr(std::bad_alloc());  // the only other one that a commit throws
  }
}

}  // namespace

// Effects: sees to it that the request is done, by this thread or by another one.
// Errors: the request's.
void WriteQueue::settle(Request& request) {
  std::unique_lock lock(mutex_);
  if (led_) {
    enqueue(request);
    while (led_ && request.state == Request::State::queued) {
      if (request.wake.wait_until(lock, request.patience.end()) == std::cv_status::timeout) break;
    }
    // Taken, it is being written, which is not a matter of waiting for a turn any more.
    while (request.state == Request::State::taken) request.wake.wait(lock);
    if (request.state == Request::State::queued) {
      remove(request);
      if (led_) {
        throw StoreError(StoreErrc::contended, "other threads were writing all the time");
      }
    }
  }
  if (request.state != Request::State::done) {
    led_ = true;
    request.state = Request::State::taken;
    lock.unlock();
    lead(request);
    lock.lock();
    led_ = false;
    // It finds its request still queued and leads; unless some thread is quicker, and takes it.
    if (first_ != nullptr) first_->wake.notify_one();
  }
  if (request.error) std::rethrow_exception(request.error);
}

// Effects: does the request, and those that are queued by the time it may write.
void WriteQueue::lead(Request& mine) {
  std::array<Request*, max_together> together{&mine};
  std::size_t count = 1;
  bool all_ran = false;
  std::exception_ptr error;
  const Waiting waiting(session_, mine.patience);
  try {
    if (mine.alone) {
      mine.run(session_);
    } else {
      session_.write([&] {
        {
          // Only now: those who are still waiting may leave as long as it is uncertain when this
          // thread gets the lock of the file.
          const std::lock_guard lock(mutex_);
          for (Request* one = first_; one != nullptr && count < together.size();) {
            Request* const next = one->next;
            if (!one->alone) {
              remove(*one);
              one->state = Request::State::taken;
              together[count++] = one;
            }
            one = next;
          }
        }
        for (std::size_t i = 0; i < count; ++i) together[i]->run(session_);
        all_ran = true;
        return true;
      });
    }
  } catch (...) {
    error = std::current_exception();
  }
  const std::span requests(together.data(), count);
  if (error && !all_ran && count > 1) {
    // One of them failed and nothing is written. Each by itself, so that only that one does.
    for (Request* const one : requests) {
      try {
        session_.write([&] {
          one->run(session_);
          return true;
        });
      } catch (...) {
        one->error = std::current_exception();
      }
    }
  } else if (error) {
    mine.error = error;
    for (Request* const one : requests.subspan(1)) one->error = anew(error);
  }
  const std::lock_guard lock(mutex_);
  for (Request* const one : requests) {
    one->state = Request::State::done;
    if (one != &mine) one->wake.notify_one();  // under the lock: then it is gone
  }
}

std::size_t WriteQueue::waiting() {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const Request* one = first_; one != nullptr; one = one->next) ++count;
  return count;
}

void WriteQueue::enqueue(Request& request) noexcept {
  request.previous = last_;
  (last_ != nullptr ? last_->next : first_) = &request;
  last_ = &request;
}

void WriteQueue::remove(Request& request) noexcept {
  (request.previous != nullptr ? request.previous->next : first_) = request.next;
  (request.next != nullptr ? request.next->previous : last_) = request.previous;
}

}  // namespace nexus::idempotency::sqlite
