// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_CREW_HPP
#define NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_CREW_HPP

// Several threads that start at once, for the conformance cases.

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/testing/detail/conformance_checks.hpp"
#include "nexus/idempotency/testing/store_fixture.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace testing::detail {

// Threads wait here until all of them have come.
class StartLine {
 public:
  explicit StartLine(std::size_t expected) : missing_(expected) {}

  void wait() {
    std::unique_lock lock(mutex_);
    if (--missing_ == 0) {
      all_are_here_.notify_all();
    } else {
      all_are_here_.wait(lock, [this] { return missing_ == 0; });
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_are_here_;
  std::size_t missing_;
};

// Effects: runs `work(0)` to `work(threads - 1)`, each on a thread of its own, at once.
// Errors: the exception of the first of them that threw, when all have ended.
template <class Work>
void run_together(std::size_t threads, Work work) {
  StartLine start(threads);
  std::vector<std::exception_ptr> errors(threads);
  std::vector<std::thread> crew;
  crew.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) {
    crew.emplace_back([&, i] {
      start.wait();
      try {
        work(i);
      } catch (...) {
        errors[i] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : crew) thread.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

enum class Sharing { one_object, an_object_each };

// The stores of a crew, all over the same contents: one object for everybody, or one each, as so
// many processes would have.
class CrewStores {
 public:
  CrewStores(StoreFixture& fixture, Sharing sharing, std::size_t threads) {
    stores_.push_back(make_store(fixture));
    if (sharing == Sharing::one_object) return;
    while (stores_.size() < threads) {
      auto store = fixture.connect();
      if (!store)
        throw ConformanceSkipped("connect() returned null: contents belong to one object");
      stores_.push_back(std::move(store));
    }
  }

  [[nodiscard]] IdempotencyStore& of(std::size_t thread) {
    return *stores_[std::min(thread, stores_.size() - 1)];
  }

 private:
  std::vector<std::unique_ptr<IdempotencyStore>> stores_;
};

}  // namespace testing::detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_CREW_HPP
