// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engines/fault_scenario.hpp"

namespace nexus::idempotency::test {
namespace {

using namespace std::chrono_literals;

const RequestFingerprint& fingerprint() {
  static const RequestFingerprint value("cents=1000");
  return value;
}
const ResultEnvelope& result() {
  static const ResultEnvelope value(std::string("receipt"));
  return value;
}

// Preparations

void nothing(Subject&) {}
void claim(Subject& subject) {
  subject.attempt =
      std::get<FirstExecution>(subject.direct.begin(subject.key, fingerprint())).attempt;
}
void claim_and_lapse(Subject& subject) {
  claim(subject);
  subject.clock.advance(1h);
}
void claim_and_be_superseded(Subject& subject) {
  claim_and_lapse(subject);
  (void)subject.direct.begin(subject.key, fingerprint());
}
void claim_and_complete(Subject& subject) {
  claim(subject);
  subject.direct.complete(*subject.attempt, result());
}

// Calls

std::string begin(Subject& subject) {
  const BeginDecision decision = subject.service.begin(subject.key, fingerprint());
  if (const auto* first = std::get_if<FirstExecution>(&decision)) {
    subject.new_attempt = first->attempt;
    return "first";
  }
  if (const auto* replay = std::get_if<Replay>(&decision)) {
    return "replay of " + std::string(replay->result.payload());
  }
  if (std::holds_alternative<InProgress>(decision)) return "in progress";
  return "another decision";
}

template <class Report>
std::string reported(Report report) {
  try {
    report();
    return "done";
  } catch (const CompletionError& error) {
    return std::string(to_string(error.reason()));
  }
}
std::string fail(Subject& subject) {
  return reported([&] { subject.service.fail(*subject.attempt, result()); });
}
std::string renew(Subject& subject) {
  return reported([&] { (void)subject.service.renew(*subject.attempt); });
}
std::string find(Subject& subject) {
  const std::optional<IdempotencyRecord> found = subject.store->find(subject.key);
  return found ? std::string(to_string(found->status)) : "absent";
}

}  // namespace

void claim_and_go_on(Subject& subject) {
  claim(subject);
  subject.clock.advance(1min);
}

std::string complete(Subject& subject) {
  return reported([&] { subject.service.complete(*subject.attempt, result()); });
}

std::string record_state(Subject& subject) {
  const std::optional<IdempotencyRecord> record = subject.place.store().find(subject.key);
  if (!record) return "absent";
  std::string state(to_string(record->status));
  if (subject.attempt && record->attempt_token == subject.attempt->token) {
    state += record->fence == subject.attempt->fence ? " old" : " with another fence";
  } else {
    state += !subject.attempt || record->fence > subject.attempt->fence ? " new" : " with no fence";
  }
  if (record->result) {
    state += *record->result == result() ? " with result" : " with another result";
  }
  if (!record->expires_at) return state + " for ever";
  const auto left =
      std::chrono::floor<std::chrono::minutes>(*record->expires_at - subject.clock.now());
  return state + " for " + std::to_string(left.count()) + " min";
}

std::vector<Operation> common_operations() {
  return {
      {"begin, first", 1, true, true, &nothing, &begin, &record_state, "first", "absent",
       "pending new for 15 min", "first", "in progress"},
      {"begin, takeover", 2, true, true, &claim_and_lapse, &begin, &record_state, "first",
       "pending old for -45 min", "pending new for 15 min", "first", "in progress"},
      {"begin, replay", 1, true, false, &claim_and_complete, &begin, &record_state,
       "replay of receipt", "completed old with result for 1440 min",
       "completed old with result for 1440 min", "replay of receipt", "replay of receipt"},
      {"complete", 1, true, true, &claim_and_go_on, &complete, &record_state, "done",
       "pending old for 14 min", "completed old with result for 1440 min", "done", "done"},
      {"complete, superseded", 2, true, false, &claim_and_be_superseded, &complete, &record_state,
       "superseded", "pending new for 15 min", "pending new for 15 min", "superseded",
       "superseded"},
      {"fail", 1, true, true, &claim_and_go_on, &fail, &record_state, "done",
       "pending old for 14 min", "failed old with result for ever", "done", "done"},
      {"renew", 1, true, true, &claim_and_go_on, &renew, &record_state, "done",
       "pending old for 14 min", "pending old for 15 min", "done", "done"},
      {"find", 1, false, false, &claim_and_complete, &find, &record_state, "completed",
       "completed old with result for 1440 min", "completed old with result for 1440 min",
       "completed", "completed"},
  };
}

}  // namespace nexus::idempotency::test
