// SPDX-License-Identifier: MIT
#include <utility>
#include <variant>

#include "interleavings/simulation.hpp"

namespace interleavings {
namespace {

const IdempotencyKey& the_key() {
  static const IdempotencyKey key(TenantId("tenant"), OperationRef("charge"), ClientKey("key"));
  return key;
}

}  // namespace

std::pair<Call, std::optional<BeginDecision>> Caller::ask(std::string_view fingerprint) {
  Simulation::State& self = simulation_.states_[process_];
  Referee& referee = simulation_.referee_;
  const RequestFingerprint request(fingerprint);
  self.call = referee.begins(request);
  std::optional<BeginDecision> decision;
  std::string_view told;
  try {
    decision = simulation_.service_->begin(the_key(), request);
    referee.answered(self.call, *decision);
    static constexpr std::string_view names[] = {"begin: FirstExecution", "begin: Replay",
                                                 "begin: InProgress", "begin: Conflict",
                                                 "begin: RetryNotAllowed"};
    told = names[decision->index()];
  } catch (const StoreError& error) {
    told = "begin: StoreError";
    if (!simulation_.is_accounted_for(self.call, error)) {
      referee.unexpected("begin met an error that nothing accounts for");
    }
  }
  simulation_.note(process_, told);
  self.told += told;
  if (decision && std::holds_alternative<Replay>(*decision)) {
    self.told += " " + std::string(std::get<Replay>(*decision).result.payload());
  }
  self.told += ", ";
  return {std::exchange(self.call, Call{}), decision};
}

std::optional<Attempt> Caller::begin(std::string_view fingerprint) {
  const auto decision = ask(fingerprint).second;
  if (!decision || !std::holds_alternative<FirstExecution>(*decision)) return std::nullopt;
  return std::get<FirstExecution>(*decision).attempt;
}

void Caller::work(const Attempt& attempt) {
  simulation_.perform({OpKind::work});
  simulation_.referee_.works(attempt, simulation_.now_);
}

bool Caller::complete(const Attempt& attempt, std::string_view result) {
  return report(CallKind::complete, attempt, result);
}

bool Caller::fail(const Attempt& attempt, std::string_view failure) {
  return report(CallKind::fail, attempt, failure);
}

bool Caller::report(CallKind kind, const Attempt& attempt, std::string_view result) {
  Simulation::State& self = simulation_.states_[process_];
  Referee& referee = simulation_.referee_;
  Outcome outcome{kind == CallKind::complete ? RecordStatus::completed : RecordStatus::failed};
  if (!result.empty()) outcome.result = ResultEnvelope(std::string(result));
  self.call = referee.begins(kind, attempt, outcome);
  bool settled = true;
  std::string_view told;
  try {
    if (kind == CallKind::complete) {
      simulation_.service_->complete(attempt, *outcome.result);
    } else {
      simulation_.service_->fail(attempt, outcome.result);
    }
    referee.acknowledged(self.call);
    told = "outcome acknowledged";
  } catch (const CompletionError& error) {
    referee.refused(self.call, error.reason());
    told = to_string(error.reason());
  } catch (const StoreError& error) {
    referee.unanswered(self.call);
    told = "outcome in doubt";
    settled = false;
    if (!simulation_.is_accounted_for(self.call, error)) {
      referee.unexpected("a report met an error that nothing accounts for");
    }
  }
  simulation_.note(process_, told);
  self.told += std::string(told) + ", ";
  self.call = Call{};
  return settled;
}

std::optional<Attempt> Caller::renew(const Attempt& attempt) {
  Simulation::State& self = simulation_.states_[process_];
  Referee& referee = simulation_.referee_;
  self.call = referee.begins(CallKind::renew, attempt);
  std::optional<Attempt> renewed;
  std::string_view told;
  try {
    renewed = simulation_.service_->renew(attempt);
    referee.renewed(self.call, *renewed);
    told = "renewed";
  } catch (const CompletionError& error) {
    referee.refused(self.call, error.reason());
    told = to_string(error.reason());
  } catch (const StoreError& error) {
    referee.unanswered(self.call);
    told = "renewal in doubt";
    if (!simulation_.is_accounted_for(self.call, error)) {
      referee.unexpected("a renewal met an error that nothing accounts for");
    }
  }
  simulation_.note(process_, told);
  self.told += std::string(told) + ", ";
  self.call = Call{};
  return renewed;
}

void Caller::purge(Duration grace) {
  Simulation::State& self = simulation_.states_[process_];
  self.call.kind = CallKind::purge;
  const Timestamp now = simulation_.read_clock();
  simulation_.persist().purge_expired(saturating_subtract(now, grace), 64);
  self.call = Call{};
}

void Caller::pass(Duration time) {
  Op op{OpKind::advance_clock};
  op.advance = time;
  simulation_.perform(op);
}

void Caller::seed(RecordStatus status, std::string_view fingerprint, std::optional<Duration> until,
                  std::string_view result) {
  IdempotencyRecord record{the_key(),
                           status,
                           RequestFingerprint(fingerprint),
                           AttemptToken("made up"),
                           1,
                           std::nullopt,
                           simulation_.now_,
                           simulation_.now_,
                           std::nullopt};
  if (!result.empty()) record.result = ResultEnvelope(std::string(result));
  if (until) record.expires_at = saturating_add(simulation_.now_, *until);
  simulation_.stored_ = record;
  simulation_.referee_.seed(record);
}

std::optional<Attempt>& Caller::held() {
  return simulation_.held_;
}

}  // namespace interleavings
