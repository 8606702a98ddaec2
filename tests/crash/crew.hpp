// SPDX-License-Identifier: MIT
// The worker processes of a test: started, killed at random moments, and replaced.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <random>
#include <vector>

#include "crash/child.hpp"
#include "crash/log.hpp"
#include "crash/orders.hpp"

namespace nexus::idempotency::test {

class Crew {
 public:
  // `orders`: what each gets, except for its number, its seed and its lease, which differ.
  Crew(Orders orders, std::uint64_t seed);

  // Effects: starts `count` workers more.
  void start(std::size_t count);

  // The same, but these live until stop(). Before any others.
  void start_spared(std::size_t count);

  // Effects: waits for a random time of `gap` on average, then kills a worker and replaces it;
  // those that have killed themselves are replaced too.
  void kill_one(std::chrono::microseconds gap);

  // Effects: tells all to end, and waits for it. They are gone afterwards.
  void stop();

  // Effects: a crew of `count` brings every command below `keys` to its final answer, without any
  // kill; waits for its end.
  void settle(std::size_t count, std::uint32_t keys);

  // Processes that ended by SIGKILL. Those that killed themselves are among them; the log tells
  // how many.
  [[nodiscard]] std::size_t killed() const { return killed_; }
  // Processes that ended for another reason than they were told to.
  [[nodiscard]] std::size_t failed() const { return failed_; }

 private:
  [[nodiscard]] Child started(Orders orders);
  void count_end(int status, bool told);

  Orders orders_;
  std::mt19937_64 random_;
  std::vector<Child> children_;
  std::size_t spared_ = 0;  // the first so many of them
  std::uint32_t next_number_ = 1;
  std::size_t killed_ = 0;
  std::size_t failed_ = 0;
};

}  // namespace nexus::idempotency::test
