// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_EXECUTE_HPP
#define NEXUS_IDEMPOTENCY_EXECUTE_HPP

// The whole lifecycle in one call: begin, run, record.

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "nexus/idempotency/attempt.hpp"
#include "nexus/idempotency/decision.hpp"
#include "nexus/idempotency/detail/config.hpp"
#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/key.hpp"
#include "nexus/idempotency/result_envelope.hpp"
#include "nexus/idempotency/service.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// The work ran in this call. `stored` is false if its result is over ResultEnvelope::max_bytes and
// was recorded as omitted: replays will tell that the command took effect, without the bytes.
// An empty result is recorded as omitted too, which replays it for what it is.
struct Executed {
  std::string result;
  bool stored;
};

using ExecuteOutcome = std::variant<Executed, Replay, InProgress, Conflict, RetryNotAllowed>;

// The work ran, but what it returned could not be recorded. Either `complete` threw: the claim then
// stands, so nobody runs the command again before its lease ends. Or what the work returned could
// not be turned into bytes: the command is then recorded as completed, its result omitted.
// What to do: answer the client with `result()`; report `cause()`. Don't run the work again.
class NEXUS_IDEMPOTENCY_API OutcomeNotRecorded : public IdempotencyError {
 public:
  OutcomeNotRecorded(std::string result, std::exception_ptr cause)
      : IdempotencyError("the command took effect, but what it returned was not recorded"),
        result_(std::make_shared<const std::string>(std::move(result))),
        cause_(std::move(cause)) {}
  // A move is a copy too: an exception that was moved from still has the result.
  OutcomeNotRecorded(const OutcomeNotRecorded&) = default;
  OutcomeNotRecorded& operator=(const OutcomeNotRecorded&) = default;
  ~OutcomeNotRecorded() override = default;

  // Returns: what the work returned; empty if it could not be turned into bytes. Lifetimes: as long
  // as any copy of this exception.
  [[nodiscard]] const std::string& result() const noexcept { return *result_; }

  // Returns: the exception that `complete`, or the conversion of what the work returned, threw.
  [[nodiscard]] std::exception_ptr cause() const noexcept { return cause_; }

 private:
  std::shared_ptr<const std::string> result_;  // shared: copying an exception must not throw
  std::exception_ptr cause_;
};

namespace detail {

// Runs the work; if it throws, marks the attempt failed and rethrows what it threw.
template <class Work>
std::invoke_result_t<Work, const Attempt&> run_or_fail(IdempotencyServiceInterface& service,
                                                       const Attempt& attempt, Work&& work) {
  try {
    return std::invoke(std::forward<Work>(work), attempt);
  } catch (...) {
    try {
      service.fail(attempt);
    } catch (...) {
      // The caller's own exception matters more; the claim stands until its lease ends.
    }
    throw;
  }
}

// From the end of the work on, the effect has happened: nothing may lead to `fail` any more.
inline Executed record_outcome(IdempotencyServiceInterface& service, const Attempt& attempt,
                               std::string&& result) {
  const bool too_large = result.size() > ResultEnvelope::max_bytes;
  try {
    service.complete(
        attempt, result.empty() || too_large ? ResultEnvelope::omitted() : ResultEnvelope(result));
  } catch (...) {
    throw OutcomeNotRecorded(std::move(result), std::current_exception());
  }
  return {std::move(result), !too_large};
}

template <class Work>
Executed run_and_record(IdempotencyServiceInterface& service, const Attempt& attempt, Work&& work) {
  if constexpr (std::is_void_v<std::invoke_result_t<Work, const Attempt&>>) {
    run_or_fail(service, attempt, std::forward<Work>(work));
    return record_outcome(service, attempt, std::string());
  } else {
    auto&& returned = run_or_fail(service, attempt, std::forward<Work>(work));
    std::string result;
    try {
      result = std::string(std::forward<decltype(returned)>(returned));
    } catch (...) {  // the effect has happened all the same: that is what must be recorded
      const std::exception_ptr cause = std::current_exception();
      record_outcome(service, attempt, std::string());
      throw OutcomeNotRecorded(std::string(), cause);
    }
    return record_outcome(service, attempt, std::move(result));
  }
}

}  // namespace detail

// Runs `work(attempt)` if no other call has, and records its result for all later ones.
//
// Preconditions: an exception from `work` means that the command took no effect. `work` returns
//   something that converts to std::string (bytes), or void.
// Effects: on FirstExecution runs `work` and completes the attempt with what it returned; if it
//   throws, fails the attempt. Otherwise doesn't run it.
// Returns: Executed if `work` ran in this call, else the answer of `begin`.
// Errors: what `work` throws, unchanged, whatever happens while the attempt is marked failed.
//   OutcomeNotRecorded if `work` returned but `complete` threw; also if what it returned could not
//   be converted, and then the command is recorded as completed, its result omitted. Otherwise
//   those of `begin`.
// Thread-safety: that of the service.
template <std::invocable<const Attempt&> Work>
[[nodiscard]] ExecuteOutcome execute(IdempotencyServiceInterface& service,
                                     const IdempotencyKey& key,
                                     const RequestFingerprint& fingerprint, Work&& work) {
  using Result = std::invoke_result_t<Work, const Attempt&>;
  static_assert(!std::is_same_v<std::remove_cvref_t<Result>, ResultEnvelope>,
                "return the bytes: an envelope built inside the work could throw after the effect, "
                "and the command would be recorded as failed");
  static_assert(std::is_void_v<Result> || std::is_convertible_v<Result, std::string> ||
                    std::is_convertible_v<Result, std::string_view>,
                "work must return bytes (std::string or what converts to it) or void");

  BeginDecision decision = service.begin(key, fingerprint);
  return std::visit(
      [&](auto& answer) -> ExecuteOutcome {
        if constexpr (!std::is_same_v<decltype(answer), FirstExecution&>) {
          return std::move(answer);
        } else {
          return detail::run_and_record(service, answer.attempt, std::forward<Work>(work));
        }
      },
      decision);
}

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_EXECUTE_HPP
