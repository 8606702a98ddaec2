// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTING_FAULTY_STORE_HPP
#define NEXUS_IDEMPOTENCY_TESTING_FAULTY_STORE_HPP

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "nexus/idempotency/detail/config.hpp"
#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/time.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace testing {

// The methods of a store, as FaultyStore::history() names them.
enum class StoreCall { find, claim_pending, save_if, purge_expired };

[[nodiscard]] constexpr std::string_view to_string(StoreCall call) noexcept {
  switch (call) {
    case StoreCall::find:
      return "find";
    case StoreCall::claim_pending:
      return "claim_pending";
    case StoreCall::save_if:
      return "save_if";
    case StoreCall::purge_expired:
      return "purge_expired";
  }
  return "unknown";
}

// A store that forwards to another one and goes wrong where it was told to, to test what is built
// on a store: that no fault of any single call runs a command twice, say.
//
// Calls are counted from 1 over all four methods, since construction or the last reset(). Plans
// are made for the n-th of them, before it; each takes effect once. Plans for one call add up,
// in the order of this list:
//
//   before(n, action)    runs `action` first, such as moving a ManualClock, waiting, or a rival's
//                        whole call on this or the inner store
//   fail(n, code)        then throws that StoreError; the inner store is not called
//   lose_request(n)      the same with `in_doubt`: nothing happened, but the caller can't know
//   after(n, action)     runs `action` when the call has taken effect
//   lose_answer(n)       then throws `in_doubt`: it did happen, but the caller can't know
//
// Thread-safety: safe, also with one object; actions run without a lock held, on the thread of the
// call. Lifetimes: the inner store must outlive this object.
class NEXUS_IDEMPOTENCY_API FaultyStore final : public IdempotencyStore {
 public:
  using Action = std::function<void()>;

  explicit FaultyStore(IdempotencyStore& inner) noexcept : inner_(inner) {}

  void before(std::size_t n, Action action) {
    plan(n, [&](Plan& p) { p.before = std::move(action); });
  }
  void after(std::size_t n, Action action) {
    plan(n, [&](Plan& p) { p.after = std::move(action); });
  }
  void fail(std::size_t n, StoreErrc code) {
    plan(n, [&](Plan& p) { p.error = code; });
  }
  void lose_request(std::size_t n) { fail(n, StoreErrc::in_doubt); }
  void lose_answer(std::size_t n) {
    plan(n, [](Plan& p) { p.answer_is_lost = true; });
  }

  // Returns: how many calls were made, those that failed included.
  [[nodiscard]] std::size_t calls() const {
    const std::lock_guard lock(mutex_);
    return history_.size();
  }

  // Returns: which calls were made, the first one first.
  [[nodiscard]] std::vector<StoreCall> history() const {
    const std::lock_guard lock(mutex_);
    return history_;
  }

  // Effects: forgets the plans and the history; the next call is the first.
  void reset() {
    const std::lock_guard lock(mutex_);
    plans_.clear();
    history_.clear();
  }

  // The port. Errors: the planned ones, else the inner store's.
  [[nodiscard]] std::optional<IdempotencyRecord> find(const IdempotencyKey& key) override {
    return forward(StoreCall::find, [&] { return inner_.find(key); });
  }
  [[nodiscard]] ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    return forward(StoreCall::claim_pending, [&] { return inner_.claim_pending(candidate); });
  }
  [[nodiscard]] bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override {
    return forward(StoreCall::save_if, [&] { return inner_.save_if(guard, next); });
  }
  std::size_t purge_expired(Timestamp before, std::size_t limit) override {
    return forward(StoreCall::purge_expired, [&] { return inner_.purge_expired(before, limit); });
  }

 private:
  struct Plan {
    Action before;
    std::optional<StoreErrc> error;
    Action after;
    bool answer_is_lost = false;
  };

  template <class Edit>
  void plan(std::size_t n, Edit edit) {
    const std::lock_guard lock(mutex_);
    edit(plans_[n]);
  }

  // Returns: what is planned for this call, taken out of the plans.
  Plan count(StoreCall call) {
    const std::lock_guard lock(mutex_);
    history_.push_back(call);
    auto planned = plans_.extract(history_.size());
    return planned ? std::move(planned.mapped()) : Plan{};
  }

  template <class Call>
  std::invoke_result_t<Call> forward(StoreCall call, Call inner_call) {
    const Plan plan = count(call);
    if (plan.before) plan.before();
    if (plan.error) throw StoreError(*plan.error, "planned fault of " + name(call));
    std::invoke_result_t<Call> answer = inner_call();
    if (plan.after) plan.after();
    if (plan.answer_is_lost) {
      throw StoreError(StoreErrc::in_doubt, "planned loss of the answer of " + name(call));
    }
    return answer;
  }

  static std::string name(StoreCall call) { return std::string(to_string(call)); }

  IdempotencyStore& inner_;
  mutable std::mutex mutex_;
  std::map<std::size_t, Plan> plans_;
  std::vector<StoreCall> history_;
};

}  // namespace testing
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_TESTING_FAULTY_STORE_HPP
