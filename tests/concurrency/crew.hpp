// SPDX-License-Identifier: MIT
// Threads that work at the same time. Catch2's assertions belong to the main thread, so what the
// others find out is collected here and judged when all have ended.
#pragma once

#include <atomic>
#include <barrier>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "nexus/idempotency/testing/detail/conformance_crew.hpp"
#include "support/service_world.hpp"

namespace nexus::idempotency::test {

using testing::detail::run_together;  // the conformance suite's: threads that start at once

// A store over another one in which callers meet: each has made up its mind when it comes, and none
// goes on before all are there. So they do collide, which on a quick store is otherwise rare.
class MeetingStore final : public IdempotencyStore {
 public:
  explicit MeetingStore(IdempotencyStore& inner) : inner_(inner) {}

  // Effects: the next `writes` calls of save_if wait for one another. Not while others call.
  void let_meet(std::size_t writes) {
    missing_ = static_cast<std::ptrdiff_t>(writes);
    meeting_.emplace(missing_);
  }

  std::optional<IdempotencyRecord> find(const IdempotencyKey& wanted) override {
    return inner_.find(wanted);
  }
  ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    return inner_.claim_pending(candidate);
  }
  bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override {
    if (missing_.fetch_sub(1) > 0) meeting_->arrive_and_wait();
    return inner_.save_if(guard, next);
  }
  std::size_t purge_expired(Timestamp before, std::size_t limit) override {
    return inner_.purge_expired(before, limit);
  }

 private:
  IdempotencyStore& inner_;
  std::atomic<std::ptrdiff_t> missing_{0};
  std::optional<std::barrier<>> meeting_;
};

// What went wrong, by any thread.
class Findings {
 public:
  void expect(bool holds, const char* what) {
    if (holds) return;
    const std::lock_guard lock(mutex_);
    ++counts_[what];
  }

  // Returns: an empty text if every expectation held.
  [[nodiscard]] std::string text() const {
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const auto& [what, count] : counts_) {
      text += std::string(what) + " (" + std::to_string(count) + " times)\n";
    }
    return text;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, int> counts_;
};

// Returns: the attempt of a FirstExecution; nothing for any other answer.
inline std::optional<Attempt> attempt_in(const BeginDecision& decision) {
  const auto* first = std::get_if<FirstExecution>(&decision);
  if (first == nullptr) return std::nullopt;
  return first->attempt;
}

// Returns: the bytes of a Replay; nothing for any other answer.
inline std::optional<std::string> replay_in(const BeginDecision& decision) {
  const auto* replay = std::get_if<Replay>(&decision);
  if (replay == nullptr) return std::nullopt;
  return std::string(replay->result.payload());
}

inline std::size_t count(const std::vector<char>& flags) {
  std::size_t set = 0;
  for (const char flag : flags) set += flag != 0 ? 1 : 0;
  return set;
}

}  // namespace nexus::idempotency::test
