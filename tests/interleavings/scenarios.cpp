// SPDX-License-Identifier: MIT
#include "interleavings/scenarios.hpp"

#include <stdexcept>
#include <string>
#include <utility>

#include "interleavings/cast.hpp"

namespace interleavings {

// Three callers at once, and time that may run past their leases.
void three_callers(std::vector<Scenario>& all) {
  const auto add = [&](std::string name, Script setup, IdempotencyPolicy policy, bool with_time) {
    Scenario s{"three callers, " + name};
    s.policy = policy;
    s.setup = std::move(setup);
    s.processes = {{"caller 1", client("1")}, {"caller 2", client("2")}, {"caller 3", client("3")}};
    if (with_time) {
      s.processes.push_back(time({past_lease}));
      s.bound = one_step;
    }
    all.push_back(std::move(s));
  };
  const Script nothing = [](Caller&) {};
  const IdempotencyPolicy policy = policy_with();
  add("absent record", nothing, policy, true);
  add("lapsed lease", an_owner_past_its_lease, policy, true);
  add("failed record", a_failed_record, policy, true);
  add("failed record, retry not allowed", a_failed_record, no_retry(), true);
  add(
      "failed record past its end, retry not allowed",
      [](Caller& caller) {
        a_failed_record(caller);
        caller.pass(hours{2});
      },
      policy_with([](auto& p) {
        p.allow_retry_after_fail = false;
        p.failed_ttl = hours{1};
      }),
      true);
  add("completed record past its end", a_completed_record_past_its_end, policy, true);
  add("completed record", a_completed_record, policy, true);
  add("forgotten record", a_forgotten_record, policy, true);

  Scenario mixed{"three callers of two requests, one fails, absent record"};
  mixed.policy = policy;
  mixed.processes = {{"caller 1", client("1")},
                     {"other", client("2", "request B")},
                     {"caller 3", failing_client},
                     time({past_lease})};
  mixed.bound = one_step;
  all.push_back(mixed);
  mixed.name = "three callers of two requests, one fails, lapsed lease";
  mixed.setup = an_owner_past_its_lease;
  all.push_back(mixed);

  Scenario renewing{"two callers that renew"};
  renewing.bound = two_steps;
  renewing.policy = policy;
  renewing.processes = {{"caller 1", client_that_renews},
                        {"caller 2", client_that_renews},
                        time({past_lease, past_lease})};
  all.push_back(renewing);
}

// An owner that reports while its lease ends and two callers take over.
void owners(std::vector<Scenario>& all, int callers) {
  const std::string take_over = callers == 2 ? "two take over" : "one takes over";
  for (const bool completing : {true, false}) {
    for (const bool accepting : {true, false}) {
      Scenario s{std::string("owner ") + (completing ? "completes" : "fails") +
                 " while its lease lapses and " + take_over + ", late ones " +
                 (accepting ? "accepted" : "rejected")};
      s.bound = two_steps;
      s.policy = accepting ? policy_with() : rejecting();
      s.setup = an_owner_at_work;
      s.processes = {{"owner", completing ? completes("owner's") : Script(fails)},
                     {"caller 1", client("1")},
                     time({past_lease, past_lease})};
      if (callers == 2) s.processes.push_back({"caller 2", client("2")});
      all.push_back(std::move(s));
    }
  }
  if (callers < 2) return;
  Scenario s{"owner completes while its lease lapses and another request takes over"};
  s.bound = two_steps;
  s.policy = policy_with();
  s.setup = an_owner_at_work;
  s.processes = {{"owner", completes("owner's")},
                 {"other", client("1", "request B")},
                 {"caller 2", client("2")},
                 time({past_lease, past_lease})};
  all.push_back(std::move(s));
}

// Several reports about one attempt.
void one_token(std::vector<Scenario>& all) {
  const auto add = [&](std::string name, Script first, Script second, IdempotencyPolicy policy) {
    Scenario s{"one token: " + name};
    s.bound = one_step;
    s.policy = policy;
    s.setup = an_owner_at_work;
    s.processes = {{"owner", std::move(first)},
                   {"its twin", std::move(second)},
                   {"caller", client("caller's")},
                   time({past_lease})};
    all.push_back(std::move(s));
  };
  add("complete against fail", completes("a"), fails, policy_with());
  add("complete against fail, retry not allowed", completes("a"), fails, no_retry());
  add("complete against fail, late ones rejected", completes("a"), fails, rejecting());
  add("two different completes", completes("a"), completes("b"), policy_with());
  add("two equal completes", completes("a"), completes("a"), policy_with());
  add("complete against a report with another fingerprint", completes("a"),
      completes_another_request, policy_with());
  add("renew against complete", renews, completes("a"), rejecting());
}

void renewals(std::vector<Scenario>& all, int callers) {
  for (const bool accepting : {true, false}) {
    const std::string late = accepting ? ", late ones accepted" : ", late ones rejected";
    Scenario s{"renew against " + std::string(callers == 2 ? "two takeovers" : "takeover") + late};
    s.bound = two_steps;
    s.policy = accepting ? policy_with() : rejecting();
    s.setup = an_owner_at_work;
    s.processes = {
        {"owner", renews_and_completes}, {"caller 1", client("1")}, time({past_lease, minutes{5}})};
    if (callers == 2) s.processes.push_back({"caller 2", client("2")});
    all.push_back(s);

    s.name = "renew against another renew and a takeover" + late;
    s.processes = {{"owner", renews},
                   {"its twin", renews},
                   {"caller", client("caller's")},
                   time({minutes{5}, minutes{6}, minutes{6}})};
    s.bound = "time passes in 3 steps";
    all.push_back(s);
  }
}

void purges_against(std::vector<Scenario>& all) {
  Scenario s{"purge against complete and takeover"};
  s.bound = two_steps;
  s.policy = policy_with();
  s.setup = an_owner_at_work;
  s.processes = {{"owner", completes("owner's")},
                 {"caller", client("caller's")},
                 {"purger", purges},
                 time({past_lease, past_lease})};
  all.push_back(s);

  s.name = "purge against three callers, completed record past its end";
  s.setup = a_completed_record_past_its_end;
  s.processes = {{"caller 1", client("1")},
                 {"caller 2", client("2")},
                 {"caller 3", failing_client},
                 {"purger", purges}};
  s.bound.clear();
  all.push_back(s);

  s.name = "two purges against renew and takeover";
  s.setup = an_owner_at_work;
  s.processes = {{"owner", renews_and_completes},
                 {"caller", client("caller's")},
                 {"purger 1", purges},
                 {"purger 2", purges},
                 time({past_lease, past_lease})};
  s.bound = two_steps;
  all.push_back(s);
}

std::vector<Scenario> scenarios() {
  std::vector<Scenario> all;
  three_callers(all);
  owners(all, 2);
  one_token(all);
  renewals(all, 2);
  purges_against(all);
  lost_answers(all);
  crashes(all);
  lagging(all);
  wrong_clocks(all);
  // More than half of all schedules.
  for (Scenario& s : all) {
    s.large = s.name == "lost answers: a takeover" ||
              s.name == "lost answers: a takeover of a failed record" ||
              s.name == "crash: three callers anywhere" ||
              s.name == "crash: the owner anywhere, two take over" ||
              s.name.starts_with("lagging reads: renew against another renew");
  }
  return all;
}

Scenario named(std::string_view name, const std::vector<Scenario>& all) {
  for (const Scenario& s : all) {
    if (s.name == name) return s;
  }
  throw std::invalid_argument("no scenario of that name: " + std::string(name));
}

}  // namespace interleavings
