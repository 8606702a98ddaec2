// SPDX-License-Identifier: MIT
#include "engines/fault_scenario.hpp"

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <variant>

namespace nexus::idempotency::test {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

// Many times what a call takes, but for a stall; then many times what it may take. A connection's
// end that is only noticed when a timeout runs out breaks it.
constexpr auto patience = 20s;

// Effects: executes everything once, so that it is all prepared, and changes nothing of interest.
void warm_up(Subject& subject) {
  IdempotencyStore& store = *subject.store;
  const IdempotencyRecord other{subject.place.fresh_key(),
                                RecordStatus::pending,
                                RequestFingerprint("warm"),
                                AttemptToken("warm"),
                                1,
                                std::nullopt,
                                scenario_start,
                                scenario_start,
                                std::nullopt};
  (void)store.claim_pending(other);
  (void)store.save_if({other.attempt_token, other.fingerprint, other.status}, other);
  (void)store.find(other.key);
  (void)store.purge_expired(Timestamp(-1s), 1);
}

struct Outcome {
  std::optional<std::string> answer;
  std::optional<StoreErrc> error;
  std::string text;  // of any other exception
};

Outcome call(const Operation& operation, Subject& subject) {
  Outcome outcome;
  try {
    outcome.answer = operation.run(subject);
    outcome.text = *outcome.answer;
  } catch (const StoreError& error) {
    outcome.error = error.code();
    outcome.text = error.what();
  } catch (const std::exception& error) {
    outcome.text = std::string("another exception: ") + error.what();
  }
  return outcome;
}

void start_trouble(FaultProxy& proxy, const Scenario& scenario) {
  switch (scenario.trouble) {
    case Trouble::planned:
      proxy.arm(scenario.plan);
      return;
    case Trouble::always:
      proxy.strike_always(scenario.plan.front().fault);
      return;
    case Trouble::refused:
      proxy.refuse();
      return;
    case Trouble::hung_up:
      proxy.hang_up();
      return;
    case Trouble::idle_broken:
      proxy.break_idle();
      return;
  }
}

// Returns: what is wrong about the outcome, with this in the engine after it.
std::string judge(const Scenario& scenario, const Outcome& outcome, const std::string& state) {
  const Operation& operation = *scenario.operation;
  if (outcome.answer) {
    if (*outcome.answer != operation.answer) return "a wrong answer";
    if (state != operation.after) return "an answer that the engine does not agree with";
    const bool out_of_reach =
        scenario.trouble == Trouble::refused || scenario.trouble == Trouble::hung_up;
    return out_of_reach ? "an answer without a server" : "";
  }
  if (!outcome.error) return "an exception that is no StoreError";
  if (scenario.trouble == Trouble::idle_broken) {
    return "a connection that broke before was not replaced";
  }
  switch (*outcome.error) {
    case StoreErrc::unavailable:
      return state == operation.before ? "" : "\"unavailable\", but something happened";
    case StoreErrc::in_doubt:
      if (operation.name == "find") return "a read in doubt";
      if (scenario.trouble == Trouble::planned && scenario.plan.size() == 1 &&
          operation.repeated_in_doubt) {
        return "one lost answer is in doubt, though the call is repeated";
      }
      if (scenario.trouble == Trouble::refused || scenario.trouble == Trouble::hung_up) {
        return "in doubt, though nothing can have been sent";
      }
      return state == operation.before || state == operation.after ? "" : "half a change";
    default:
      return "an error of another kind";
  }
}

bool is_begin(const Operation& operation) {
  return operation.writes && operation.again_before == "first";
}

// Effects: whoever holds the key after `begin` completes; if nobody knows that he does, after the
// lease. Returns: what is wrong.
std::string finish_command(const Operation& operation, Subject& subject) {
  if (!subject.new_attempt) {
    subject.clock.advance(1h);
    if (operation.run(subject) != "first") return "after the lease nobody gets the key";
  }
  const std::optional<IdempotencyRecord> held = subject.place.store().find(subject.key);
  if (!held || held->attempt_token != subject.new_attempt->token) {
    return "the one who was told to execute does not hold the key";
  }
  subject.service.complete(*subject.new_attempt, ResultEnvelope(std::string("executed")));
  return "";
}

// Effects: a command on another key, from begin to replay. Returns: what is wrong.
std::string live_on(Subject& subject) {
  const IdempotencyKey key = subject.place.fresh_key();
  const RequestFingerprint fingerprint("another");
  const BeginDecision first = subject.service.begin(key, fingerprint);
  if (!std::holds_alternative<FirstExecution>(first)) return "another key is not free";
  subject.service.complete(std::get<FirstExecution>(first).attempt,
                           ResultEnvelope(std::string("another")));
  const BeginDecision replay = subject.service.begin(key, fingerprint);
  return std::holds_alternative<Replay>(replay) ? "" : "another key is not replayed";
}

std::string play_on(Subject& subject, const Scenario& scenario, std::string& story) {
  const Operation& operation = *scenario.operation;
  start_trouble(*subject.proxy, scenario);
  const auto begun = SteadyClock::now();
  const Outcome outcome = call(operation, subject);
  const auto taken = SteadyClock::now() - begun;
  story += "; " + outcome.text;

  const bool strikes = scenario.trouble == Trouble::planned || scenario.trouble == Trouble::always;
  const FaultTally tally = subject.proxy->tally();
  subject.proxy->heal();
  if (strikes && tally.faults == 0) return "the fault did not strike";
  if (taken > patience) return "it took too long";
  if (!scenario.release_late) subject.proxy->release();

  const std::string state = operation.state(subject);
  story += "; state: " + state;
  if (std::string wrong = judge(scenario, outcome, state); !wrong.empty()) return wrong;

  Outcome again = call(operation, subject);
  while (operation.locks && again.error == StoreErrc::contended &&
         SteadyClock::now() - begun < patience) {
    again = call(operation, subject);
  }
  story += "; repeated: " + again.text;
  const bool changed = state == operation.after;
  if (again.answer != (changed ? operation.again_after : operation.again_before)) {
    return "the repeat is wrong";
  }
  if (operation.state(subject) != operation.after) return "the repeat left something else";

  if (is_begin(operation)) {
    if (std::string wrong = finish_command(operation, subject); !wrong.empty()) return wrong;
  }
  const std::optional<IdempotencyRecord> last = subject.place.store().find(subject.key);
  subject.proxy->release();
  if (subject.place.store().find(subject.key) != last) return "a late request changed the outcome";
  if (!is_begin(operation) && operation.state(subject) != operation.after) {
    return "a late request changed something";
  }
  return live_on(subject);
}

std::string name_of(const Scenario& scenario) {
  std::string name = scenario.operation->name;
  name += scenario.opening.warm ? ", warm" : ", cold";
  if (!scenario.opening.usual) name += ", the other way";
  switch (scenario.trouble) {
    case Trouble::planned:
      for (const PlannedFault& planned : scenario.plan) {
        name += ", " + std::string(to_string(planned.fault)) + " after " +
                std::to_string(planned.after);
      }
      break;
    case Trouble::always:
      name += ", always " + std::string(to_string(scenario.plan.front().fault));
      break;
    case Trouble::refused:
      name += ", refused";
      break;
    case Trouble::hung_up:
      name += ", hung up";
      break;
    case Trouble::idle_broken:
      name += ", broken while idle";
      break;
  }
  if (scenario.release_late) name += ", released late";
  return name;
}

void make_ready(Subject& subject, const Operation& operation) {
  if (subject.opening.warm) warm_up(subject);
  operation.prepare(subject);
}

}  // namespace

IdempotencyKey Workplace::fresh_key() {
  return {TenantId("acct_7"), OperationRef("ledger.charge"), ClientKey(std::to_string(++keys_))};
}

Subject::Subject(Workplace& workplace, const Opening& how)
    : place(workplace),
      opening(how),
      proxy(workplace.make_proxy()),
      store(workplace.open(*proxy, how)),
      service(*store, clock),
      direct(workplace.store(), clock),
      key(workplace.fresh_key()) {}

std::size_t count_requests(Workplace& place, const Operation& operation, const Opening& opening) {
  Subject subject(place, opening);
  make_ready(subject, operation);
  subject.proxy->arm({});
  (void)operation.run(subject);
  return subject.proxy->tally().requests;
}

std::string play(Workplace& place, const Scenario& scenario) {
  Subject subject(place, scenario.opening);
  std::string story = name_of(scenario);
  std::string wrong;
  try {
    make_ready(subject, *scenario.operation);
    const std::string state = scenario.operation->state(subject);
    if (state != scenario.operation->before) return story + ": begins with state: " + state;
    wrong = play_on(subject, scenario, story);
  } catch (const std::exception& error) {
    wrong = std::string("it threw: ") + error.what();
  }
  return wrong.empty() ? "" : wrong + ": " + story;
}

}  // namespace nexus::idempotency::test
