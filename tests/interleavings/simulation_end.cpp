// SPDX-License-Identifier: MIT
// What happens at the end of a schedule, and what is told of it.
#include <algorithm>
#include <string>
#include <variant>

#include "interleavings/simulation.hpp"

namespace interleavings {

void Simulation::stop_everybody() {
  stopping_ = true;
  for (State& state : states_) {
    if (state.fiber && !state.fiber->finished()) run(state);
  }
  stopping_ = false;
}

void Simulation::abandon() {
  stop_everybody();
}

void Simulation::finish() {
  if (findings_.keep_final_states) findings_.final_states.insert(final_state());
  stop_everybody();
  referee_.settle(an_answer_was_lost_);

  // Whatever was left behind, a newcomer gets a right answer: at once, and again when every lease
  // has ended; and if it is to execute, it can do so to the end.
  const std::size_t nobody = scenario_.processes.size();
  scheduling_ = false;
  running_ = &states_[nobody];
  Caller newcomer(*this, nobody);
  if (const auto attempt = newcomer.begin()) newcomer.work(*attempt);
  referee_.look(now_);
  if (scenario_.policy.pending_ttl) {
    now_ += *scenario_.policy.pending_ttl + scenario_.policy.clock_skew_allowance + Duration{1};
    const auto [call, decision] = newcomer.ask("request A");
    if (decision) referee_.newcomer(call, *decision);
    if (decision && std::holds_alternative<FirstExecution>(*decision)) {
      const Attempt attempt = std::get<FirstExecution>(*decision).attempt;
      newcomer.work(attempt);
      newcomer.complete(attempt, "newcomer's");
      const auto [again, replay] = newcomer.ask("request A");
      if (replay) referee_.newcomer(again, *replay);
    }
  }
  running_ = nullptr;

  if (referee_.violations().empty()) return;
  ++findings_.violating_schedules;
  for (const Violation& violation : referee_.violations()) {
    std::string text = std::string(violation.guarantee) + ": " + std::string(violation.what);
    if (findings_.first_violation.empty()) {
      findings_.first_violation = text + "\n" + schedule();
    }
    findings_.violations.insert(std::move(text));
  }
}

// Returns: whether the service may have let the error out. A lost answer is asked for again, twice
// by begin and once by the others.
bool Simulation::is_accounted_for(const Call& call, const StoreError& error) const {
  if (error.code() != StoreErrc::in_doubt) return false;
  if (call.kind == CallKind::begin) return call.lost_answers >= 3;
  // The read that explains a refusal may be older than the refusal, or, with `reject`, younger than
  // another renewal.
  return call.lost_answers >= 2 || scenario_.lagging_reads ||
         scenario_.policy.late_completion == LateCompletion::reject;
}

void Simulation::note(std::size_t process, std::string_view what, std::string_view how) {
  lines_.push_back({process, what, how});
}

std::string Simulation::schedule() const {
  std::string text;
  for (const Line& line : lines_) {
    text += "  ";
    text += line.process < scenario_.processes.size() ? scenario_.processes[line.process].name
                                                      : "(before or after)";
    text += ": " + std::string(line.what);
    if (!line.how.empty()) text += ", " + std::string(line.how);
    text += '\n';
  }
  return text;
}

// Tokens are random, so a record is named after the call that claimed it.
std::string Simulation::claimant(const AttemptToken& token) const {
  for (const auto& [claimed, call] : claimants_) {
    if (claimed == token) return std::to_string(call);
  }
  return "nobody";
}

std::string Simulation::final_state() const {
  std::string text;
  for (const State& state : states_) text += state.told + (state.stopped ? "stopped; " : "; ");
  if (!stored_) return text + "no record";
  text += std::string(to_string(stored_->status)) + " " +
          std::string(stored_->fingerprint.value()) + " claimed by " +
          claimant(stored_->attempt_token) + " fence " + std::to_string(stored_->fence) + " at " +
          std::to_string(stored_->last_transition_at.time_since_epoch().count());
  if (stored_->expires_at) {
    text += " until " + std::to_string(stored_->expires_at->time_since_epoch().count());
  }
  if (stored_->result) text += " " + std::string(stored_->result->payload());
  return text;
}

}  // namespace interleavings
