// SPDX-License-Identifier: MIT
#pragma once

// Who acts in the scenarios, and what they find when they come.

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interleavings/simulation.hpp"

namespace interleavings {

using std::chrono::hours;
using std::chrono::minutes;

// The policy of all scenarios, unless they say otherwise.
inline constexpr minutes lease{10};
inline constexpr minutes past_lease{11};
inline IdempotencyPolicy policy_with(std::function<void(IdempotencyPolicy&)> change = {}) {
  IdempotencyPolicy policy;
  policy.pending_ttl = lease;
  if (change) change(policy);
  return policy;
}
inline IdempotencyPolicy rejecting() {
  return policy_with([](auto& p) { p.late_completion = LateCompletion::reject; });
}
inline IdempotencyPolicy no_retry() {
  return policy_with([](auto& p) { p.allow_retry_after_fail = false; });
}

// Scripts ---------------------------------------------------------------------------------------

// What a caller does about a report whose answer it did not get: it reports the same once more.
template <class Report>
void until_settled(Report report) {
  if (!report()) (void)report();
}

inline Script client(std::string result, std::string_view request = "request A") {
  return [result, request](Caller& caller) {
    const auto attempt = caller.begin(request);
    if (!attempt) return;
    caller.work(*attempt);
    until_settled([&] { return caller.complete(*attempt, result); });
  };
}

inline void failing_client(Caller& caller) {
  const auto attempt = caller.begin();
  if (!attempt) return;
  caller.work(*attempt);
  until_settled([&] { return caller.fail(*attempt, "declined"); });
}

inline void client_that_renews(Caller& caller) {
  const auto attempt = caller.begin();
  if (!attempt) return;
  caller.work(*attempt);
  if (const auto renewed = caller.renew(*attempt)) caller.complete(*renewed, "renewed");
}

inline void asks(Caller& caller) {
  (void)caller.begin();
}

// Of the attempt that the setup began.
inline Script completes(std::string result) {
  return [result](Caller& caller) {
    until_settled([&] { return caller.complete(*caller.held(), result); });
  };
}
inline void fails(Caller& caller) {
  until_settled([&] { return caller.fail(*caller.held(), "declined"); });
}
inline void renews(Caller& caller) {
  (void)caller.renew(*caller.held());
}
inline void renews_and_completes(Caller& caller) {
  if (caller.renew(*caller.held())) caller.complete(*caller.held(), "owner's");
}
inline void completes_another_request(Caller& caller) {
  Attempt attempt = *caller.held();
  attempt.fingerprint = RequestFingerprint("request B");
  caller.complete(attempt, "altered");
}
inline void purges(Caller& caller) {
  caller.purge();
}

inline Process time(std::vector<Duration> steps) {
  Process process{"time", [steps](Caller& caller) {
                    for (const Duration step : steps) caller.pass(step);
                  }};
  process.passes_time = true;
  return process;
}

inline Process losing(int answers, Process process) {
  process.lost_answers = answers;
  return process;
}
inline Process stopping(Process process) {
  process.may_stop = true;
  return process;
}

// Setups ----------------------------------------------------------------------------------------

inline void an_owner_at_work(Caller& caller) {
  caller.held() = caller.begin();
  caller.work(*caller.held());
}
inline void an_owner_past_its_lease(Caller& caller) {
  an_owner_at_work(caller);
  caller.pass(past_lease);
}
inline void a_failed_record(Caller& caller) {
  an_owner_at_work(caller);
  caller.fail(*caller.held(), "declined");
}
inline void a_completed_record(Caller& caller) {
  an_owner_at_work(caller);
  caller.complete(*caller.held(), "owner's");
}
inline void a_completed_record_past_its_end(Caller& caller) {
  a_completed_record(caller);
  caller.pass(hours{25});
}
inline void a_forgotten_record(Caller& caller) {
  caller.seed(RecordStatus::expired, "request Z", std::nullopt);
}

inline constexpr std::string_view one_step = "time passes in 1 step";
inline constexpr std::string_view two_steps = "time passes in 2 steps";

}  // namespace interleavings
