// SPDX-License-Identifier: MIT
#include "crash/crew.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <optional>
#include <thread>
#include <utility>

namespace nexus::idempotency::test {

Crew::Crew(Orders orders, std::uint64_t seed) : orders_(std::move(orders)), random_(seed) {}

Child Crew::started(Orders orders) {
  orders.worker = next_number_;
  next_number_ += orders.threads;
  orders.seed = random_();
  orders.lease = 30'000 + static_cast<std::int64_t>(random_() % 200'000);
  return Child(NEXUS_IDEMPOTENCY_CRASH_WORKER, to_arguments(orders));
}

void Crew::start(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) children_.push_back(started(orders_));
}

void Crew::start_spared(std::size_t count) {
  Orders orders = orders_;
  orders.own_crashes = 0;
  for (; spared_ < count; ++spared_) children_.push_back(started(orders));
}

void Crew::count_end(int status, bool told) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
    ++killed_;
  } else if (!told || (status != 0 && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM))) {
    ++failed_;  // SIGTERM itself ends a process that has only just begun
  }
}

void Crew::kill_one(std::chrono::microseconds gap) {
  const auto twice = static_cast<std::uint64_t>(2 * gap.count());
  std::this_thread::sleep_for(
      std::chrono::microseconds(static_cast<std::int64_t>(random_() % twice)));
  const std::size_t victim = spared_ + random_() % (children_.size() - spared_);
  children_[victim].signal(SIGKILL);
  children_[victim].wait();
  for (std::size_t i = 0; i < children_.size(); ++i) {
    if (const std::optional<int> status = children_[i].poll()) {
      count_end(*status, false);
      children_[i] = started(orders_);
    }
  }
}

void Crew::stop() {
  for (const Child& child : children_) child.signal(SIGTERM);
  for (Child& child : children_) count_end(child.wait(), true);
  children_.clear();
}

void Crew::settle(std::size_t count, std::uint32_t keys) {
  Orders orders = orders_;
  orders.settle = keys;
  orders.own_crashes = 0;
  orders.threads = 1;
  std::vector<Child> settlers;
  for (std::size_t i = 0; i < count; ++i) settlers.push_back(started(orders));
  for (Child& child : settlers) count_end(child.wait(), true);
}

}  // namespace nexus::idempotency::test
