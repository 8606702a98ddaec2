// SPDX-License-Identifier: MIT
#include "interleavings/mutants.hpp"

#include <string>
#include <utility>

#include "interleavings/broken_services.hpp"
#include "interleavings/scenarios.hpp"

namespace interleavings {
namespace {

// The scenario of that name, without the process of that name where one fewer is enough: broken
// code has many more schedules than right code.
Scenario with(StoreMutation mutation, std::string_view name, std::string_view left_out = {}) {
  Scenario s = named(name, scenarios());
  s.mutation = mutation;
  std::erase_if(s.processes, [&](const Process& process) { return process.name == left_out; });
  if (!left_out.empty()) s.name += " (without: " + std::string(left_out) + ")";
  return s;
}

Scenario with(ServiceFactory service, std::string_view name, std::string_view left_out = {}) {
  Scenario s = with(StoreMutation::none, name, left_out);
  s.service = std::move(service);
  return s;
}

}  // namespace

std::vector<Mutant> mutants() {
  using enum StoreMutation;
  constexpr std::string_view completes_late =
      "owner completes while its lease lapses and two take over, late ones accepted";
  constexpr std::string_view rejected_late =
      "owner completes while its lease lapses and two take over, late ones rejected";
  constexpr std::string_view two_completes = "one token: two different completes";
  constexpr std::string_view complete_and_fail = "one token: complete against fail";
  constexpr std::string_view other_fingerprint =
      "one token: complete against a report with another fingerprint";
  constexpr std::string_view renew_or_take_over = "renew against two takeovers, late ones accepted";
  constexpr std::string_view two_renewals =
      "renew against another renew and a takeover, late ones accepted";
  constexpr std::string_view absent = "three callers, absent record";
  constexpr std::string_view lapsed = "three callers, lapsed lease";
  constexpr std::string_view purge = "purge against complete and takeover";
  constexpr std::string_view lagging =
      "lagging reads: owner completes while its lease lapses and one takes over, late ones "
      "accepted";
  return {
      {"a guard that ignores the token", "G3", with(ignore_token, completes_late)},
      {"a guard that ignores the fingerprint", "G3", with(ignore_fingerprint, other_fingerprint)},
      {"a guard that ignores the status", "G4", with(ignore_status, two_completes)},
      {"a guard that ignores the status", "G2", with(ignore_status, complete_and_fail)},
      {"a guard that ignores the lease", "G1", with(ignore_lease, renew_or_take_over, "caller 2")},
      {"a guard that ignores the lease", "G3", with(ignore_lease, rejected_late, "caller 2")},
      {"a guarded write that inserts", "G3", with(upsert, purge)},
      {"a claim in two steps", "G1", with(split_claim, absent, "caller 3")},
      {"a renewal that shortens", "G1", with(shortening_renewal, two_renewals)},
      {"a purge that ignores its condition", "G10", with(purge_everything, purge)},
      {"a purge that ignores its condition", "G1",
       with(purge_everything, "two purges against renew and takeover", "purger 2")},
      {"a purge in two steps", "G10", with(split_purge, purge)},
      {"begin by find, delete, claim", "G1", with(begin_by_find_delete_claim, lapsed, "caller 3")},
      {"begin by find, delete, claim", "G10",
       with(begin_by_find_delete_claim, "three callers, completed record past its end",
            "caller 3")},
      {"begin by the query port", "G5", with(begin_by_the_query_port, lagging)},
      {"begin by the query port", "G1", with(begin_by_the_query_port, absent, "caller 3")},
      {"begin without the own-claim rule", "own claim",
       with(without_own_claim, "lost answers: a claim", "time")},
      {"begin without a last look at the clock", "G1", with(with_dead_leases, absent, "caller 3")},
      {"reports by find, save", "G3", with(report_by_find_save, completes_late, "caller 2")},
      {"reports by find, save", "G4", with(report_by_find_save, two_completes)},
      {"reports that cannot be repeated", "G4",
       with(unrepeatable_reports, "lost answers: a completion")},
      {"no allowance for wrong clocks", "G1",
       with(without_skew_allowance, "clocks that differ by no more than the allowance")},
  };
}

}  // namespace interleavings
