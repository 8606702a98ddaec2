// SPDX-License-Identifier: MIT
// The scenarios in which answers get lost, callers stop, reads lag and clocks differ.
#include <string>
#include <utility>
#include <vector>

#include "interleavings/cast.hpp"
#include "interleavings/scenarios.hpp"

namespace interleavings {

// Answers that get lost: the write was done, was not, or arrives at any time later.
void lost_answers(std::vector<Scenario>& all) {
  const auto add = [&](std::string name, Script setup, std::vector<Process> processes,
                       std::string_view bound) {
    Scenario s{"lost answers: " + name};
    s.policy = policy_with();
    s.setup = std::move(setup);
    s.processes = std::move(processes);
    s.bound = std::string(bound);
    all.push_back(std::move(s));
  };
  const Script nothing = [](Caller&) {};
  const std::string three = ", at most 3 answers of a caller are lost";
  const std::string two = ", at most 2 answers of a caller are lost";
  const std::string one = "at most 1 answer of a caller is lost";
  add("a claim", nothing,
      {losing(3, {"caller 1", asks}), {"caller 2", client("2")}, time({past_lease})},
      std::string(one_step) + three);
  add("a claim and all that follows", nothing,
      {losing(2, {"caller 1", client("1")}), {"caller 2", client("2")}, time({past_lease})},
      std::string(one_step) + two);
  add("a takeover", an_owner_past_its_lease,
      {losing(3, {"caller 1", asks}), {"caller 2", client("2")}, time({past_lease})},
      std::string(one_step) + three);
  add("a takeover that the owner forestalls", an_owner_past_its_lease,
      {losing(1, {"caller 1", client("1")}), {"caller 2", asks}, {"owner", completes("owner's")}},
      one);
  add("a takeover of a failed record", a_failed_record,
      {losing(2, {"caller 1", client("1")}), {"caller 2", failing_client}, time({past_lease})},
      std::string(one_step) + two);
  add("a completion", an_owner_at_work,
      {losing(3, {"owner", completes("owner's")}),
       {"caller", client("caller's")},
       time({past_lease})},
      std::string(one_step) + three);
  add("complete against fail", an_owner_at_work,
      {losing(1, {"owner", completes("owner's")}),
       losing(1, {"its twin", fails}),
       {"caller", client("caller's")},
       time({past_lease})},
      std::string(one_step) + ", " + one);
  add("a renewal", an_owner_at_work,
      {losing(2, {"owner", renews_and_completes}),
       {"caller", client("caller's")},
       time({minutes{5}, past_lease})},
      std::string(two_steps) + two);
}

// Callers that stop for ever before any of their steps.
void crashes(std::vector<Scenario>& all) {
  Scenario s{"crash: a caller anywhere, another comes"};
  s.bound = one_step;
  s.policy = policy_with();
  s.processes = {
      stopping({"caller 1", client("1")}), {"caller 2", client("2")}, time({past_lease})};
  all.push_back(s);

  s.name = "crash: three callers anywhere";
  s.processes = {stopping({"caller 1", client("1")}), stopping({"caller 2", client("2")}),
                 stopping({"caller 3", failing_client}), time({past_lease})};
  all.push_back(s);

  s.name = "crash: the owner anywhere, two take over";
  s.setup = an_owner_at_work;
  s.processes = {stopping({"owner", renews_and_completes}),
                 stopping({"caller 1", client("1")}),
                 {"caller 2", client("2")},
                 time({past_lease, past_lease})};
  s.bound = two_steps;
  all.push_back(s);

  s.name = "crash: a purger and a caller anywhere";
  s.processes = {{"owner", completes("owner's")},
                 stopping({"caller", client("caller's")}),
                 stopping({"purger", purges}),
                 time({past_lease, past_lease})};
  all.push_back(s);

  s.name = "crash: a caller whose answers get lost";
  s.setup = [](Caller&) {};
  s.processes = {losing(2, stopping({"caller 1", client("1")})),
                 {"caller 2", client("2")},
                 time({past_lease})};
  s.bound = std::string(one_step) + ", at most 2 answers of a caller are lost";
  all.push_back(s);
}

// The query port answers with any earlier version of the record.
void lagging(std::vector<Scenario>& all) {
  std::vector<Scenario> chosen;
  one_token(chosen);
  owners(chosen, 1);
  renewals(chosen, 1);
  std::vector<Scenario> losing_answers;
  lost_answers(losing_answers);
  chosen.push_back(named("lost answers: a completion", losing_answers));
  chosen.push_back(named("lost answers: a renewal", losing_answers));
  for (Scenario& s : chosen) {
    s.name = "lagging reads: " + s.name;
    s.lagging_reads = true;
    all.push_back(std::move(s));
  }
}

void wrong_clocks(std::vector<Scenario>& all) {
  Scenario s{"clocks that differ by no more than the allowance"};
  s.bound = two_steps;
  s.policy = policy_with([](auto& p) { p.clock_skew_allowance = minutes{4}; });
  s.processes = {{"caller 1", client("1")},
                 {"caller 2", client_that_renews},
                 {"caller 3", client("3")},
                 time({minutes{7}, minutes{8}})};
  s.processes[0].clock_error = minutes{-2};
  s.processes[1].clock_error = minutes{2};
  all.push_back(s);
}

}  // namespace interleavings
