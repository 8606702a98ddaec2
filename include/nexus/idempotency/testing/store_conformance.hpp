// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTING_STORE_CONFORMANCE_HPP
#define NEXUS_IDEMPOTENCY_TESTING_STORE_CONFORMANCE_HPP

// The conformance suite: what ports.hpp demands of a store, as named cases that need no test
// framework. The author of a store derives from StoreFixture and runs them:
//
//   class MyFixture final : public testing::StoreFixture {
//     std::unique_ptr<IdempotencyStore> make_store() override { return ...; }
//   };
//   MyFixture fixture;
//   const testing::ConformanceReport report = testing::run_conformance(fixture);
//   std::cout << report;
//   return report.passed() ? 0 : 1;
//
// What no such suite can show, and the store's own tests must: that nothing was changed when a
// fault was reported as `unavailable`, `exhausted` or `contended`; that acknowledged writes outlive
// a loss of power; that a purge keeps others waiting only for a bounded time.
//
// A case makes at most some 250 calls, but for finds that go on as long as another thread writes;
// all cases together make about 2,500 writes, a few hundredths of a second on a store in memory.
// Their times are fixed ones around the year 2100, and nothing sleeps.

#include <algorithm>
#include <array>
#include <cstddef>
#include <exception>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/idempotency/testing/detail/conformance_claims.hpp"
#include "nexus/idempotency/testing/detail/conformance_deadlines.hpp"
#include "nexus/idempotency/testing/detail/conformance_exactness.hpp"
#include "nexus/idempotency/testing/detail/conformance_races.hpp"
#include "nexus/idempotency/testing/detail/conformance_saves.hpp"
#include "nexus/idempotency/testing/store_fixture.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace testing {

// One thing that the contract demands.
struct ConformanceCase {
  std::string_view name;  // unique, says what must hold
  // Effects: makes a store and puts it to the test.
  // Errors: ConformanceFailure if it breaks the contract; ConformanceSkipped if the case does not
  // apply; whatever the store throws, which is a failure as well.
  void (*run)(StoreFixture& fixture);
};

namespace detail {

inline constexpr std::array all_conformance_cases{
    ConformanceCase{"find: an absent key gives nothing, and looking leaves nothing behind",
                    &find_of_an_absent_key},
    ConformanceCase{"claim_pending: stores the candidate of an absent key",
                    &claim_of_an_absent_key},
    ConformanceCase{"claim_pending: returns what is there, unchanged, whatever its status",
                    &claim_of_a_present_key},
    ConformanceCase{"claim_pending: a repeat answers with the candidate itself", &claim_repeated},

    ConformanceCase{"save_if: writes every field", &save_writes_every_field},
    ConformanceCase{"save_if: never inserts", &save_never_inserts},
    ConformanceCase{"save_if: changes no other key", &save_changes_one_key},
    ConformanceCase{"save_if: compares the token byte for byte", &save_compares_the_token},
    ConformanceCase{"save_if: compares the fingerprint byte for byte",
                    &save_compares_the_fingerprint},
    ConformanceCase{"save_if: compares the status", &save_compares_the_status},
    ConformanceCase{"save_if: judges the lease by the guard's time, to the microsecond",
                    &save_judges_the_lease},
    ConformanceCase{"save_if: a superseded owner changes nothing",
                    &superseded_owner_changes_nothing},
    ConformanceCase{"save_if: a second outcome of an attempt is refused",
                    &second_outcome_is_refused},
    ConformanceCase{"save_if: a renewal keeps the later deadline",
                    &renewal_keeps_the_later_deadline},
    ConformanceCase{"save_if: whatever is no renewal sets its own deadline",
                    &other_writes_set_their_deadline},

    ConformanceCase{"purge_expired: goes by the deadline alone, to the microsecond",
                    &purge_by_deadline_alone},
    ConformanceCase{"purge_expired: removes any status, and nothing without a deadline",
                    &purge_of_every_status},
    ConformanceCase{"purge_expired: keeps to its limit and counts what it removed",
                    &purge_within_its_limit},
    ConformanceCase{"purge_expired: judges the deadline that was written last",
                    &purge_judges_the_latest_deadline},
    ConformanceCase{"purge_expired: frees the key", &purge_frees_the_key},
    ConformanceCase{"purge_expired: returns 0 where the engine expires records by itself",
                    &purge_by_the_engine_itself},

    ConformanceCase{"keys: client keys are equal only byte for byte", &client_keys_byte_for_byte},
    ConformanceCase{"keys: operations are equal only byte for byte", &operations_byte_for_byte},
    ConformanceCase{"keys: tenants are equal only byte for byte", &tenants_byte_for_byte},
    ConformanceCase{"keys: the three parts are kept apart", &parts_of_a_key_apart},

    ConformanceCase{"records: every control byte in every text", &every_control_byte_in_every_text},
    ConformanceCase{"records: the longest texts, of bytes that need escapes", &longest_texts},
    ConformanceCase{"records: fences from 0 to 2^63 - 1", &every_fence},
    ConformanceCase{"records: every time, also before 1970, and none", &every_time},
    ConformanceCase{"records: results of any bytes, omitted, and none", &every_result},
    ConformanceCase{"records: none, omitted and bytes replace one another",
                    &results_replace_one_another},

    ConformanceCase{"objects: contents outlive the object", &contents_outlive_the_object},
    ConformanceCase{"objects: two objects share the contents", &objects_share_the_contents},

    ConformanceCase{"threads: one of many claims is stored",
                    &one_of_many_claims<Sharing::one_object>},
    ConformanceCase{"threads: one of many take-overs is written",
                    &one_of_many_take_overs<Sharing::one_object>},
    ConformanceCase{"threads: one of many outcomes is written",
                    &one_of_many_outcomes<Sharing::one_object>},
    ConformanceCase{"threads: a completion or a take-over, not both",
                    &completion_or_take_over<Sharing::one_object>},
    ConformanceCase{"threads: a purge spares what has just been completed or renewed",
                    &purge_or_completion<Sharing::one_object>},
    ConformanceCase{"threads: of many renewals the latest deadline stands",
                    &renewals_keep_the_latest},
    ConformanceCase{"threads: many keys at once", &many_keys_at_once<Sharing::one_object>},
    ConformanceCase{"threads: readers see whole records",
                    &readers_see_whole_records<Sharing::one_object>},

    ConformanceCase{"threads, an object each: one of many claims is stored",
                    &one_of_many_claims<Sharing::an_object_each>},
    ConformanceCase{"threads, an object each: one of many take-overs is written",
                    &one_of_many_take_overs<Sharing::an_object_each>},
    ConformanceCase{"threads, an object each: one of many outcomes is written",
                    &one_of_many_outcomes<Sharing::an_object_each>},
    ConformanceCase{"threads, an object each: a completion or a take-over, not both",
                    &completion_or_take_over<Sharing::an_object_each>},
    ConformanceCase{"threads, an object each: a purge spares what has just been completed",
                    &purge_or_completion<Sharing::an_object_each>},
    ConformanceCase{"threads, an object each: many keys at once",
                    &many_keys_at_once<Sharing::an_object_each>},
    ConformanceCase{"threads, an object each: readers see whole records",
                    &readers_see_whole_records<Sharing::an_object_each>},
};

}  // namespace detail

// Returns: all cases, in the order in which their failures are best looked into.
[[nodiscard]] inline std::span<const ConformanceCase> conformance_cases() noexcept {
  return detail::all_conformance_cases;
}

enum class ConformanceOutcome { passed, skipped, failed };

[[nodiscard]] constexpr std::string_view to_string(ConformanceOutcome outcome) noexcept {
  switch (outcome) {
    case ConformanceOutcome::passed:
      return "passed";
    case ConformanceOutcome::skipped:
      return "skipped";
    case ConformanceOutcome::failed:
      return "failed";
  }
  return "unknown";
}

struct ConformanceResult {
  std::string_view name;  // the case's
  ConformanceOutcome outcome;
  std::string text;  // why it failed or was skipped; empty if it passed

  // Effects: prints a line, such as "passed   save_if: never inserts".
  friend std::ostream& operator<<(std::ostream& out, const ConformanceResult& result) {
    const std::string_view word = to_string(result.outcome);
    out << word << std::string(9 - word.size(), ' ') << result.name;
    if (!result.text.empty()) out << "\n  " << result.text;
    return out;
  }
};

// Effects: runs one case. Returns: how it ended; an exception of the store is a failure.
[[nodiscard]] inline ConformanceResult run_case(const ConformanceCase& one, StoreFixture& fixture) {
  try {
    one.run(fixture);
    return {one.name, ConformanceOutcome::passed, {}};
  } catch (const ConformanceSkipped& skipped) {
    return {one.name, ConformanceOutcome::skipped, skipped.what()};
  } catch (const ConformanceFailure& failure) {
    return {one.name, ConformanceOutcome::failed, failure.what()};
  } catch (const std::exception& error) {
    return {one.name, ConformanceOutcome::failed, "it threw: " + std::string(error.what())};
  } catch (...) {
    return {one.name, ConformanceOutcome::failed, "it threw something that is no std::exception"};
  }
}

struct ConformanceReport {
  std::vector<ConformanceResult> results;  // one a case, in the order of conformance_cases()

  [[nodiscard]] std::size_t count(ConformanceOutcome outcome) const {
    return static_cast<std::size_t>(std::count_if(
        results.begin(), results.end(), [&](const auto& r) { return r.outcome == outcome; }));
  }
  [[nodiscard]] bool passed() const { return count(ConformanceOutcome::failed) == 0; }

  // Effects: prints a line a case, and one with the counts.
  friend std::ostream& operator<<(std::ostream& out, const ConformanceReport& report) {
    for (const auto& result : report.results) out << result << '\n';
    return out << report.count(ConformanceOutcome::passed) << " passed, "
               << report.count(ConformanceOutcome::skipped) << " skipped, "
               << report.count(ConformanceOutcome::failed) << " failed\n";
  }
};

// Effects: runs all cases, one after the other. Returns: how each of them ended.
[[nodiscard]] inline ConformanceReport run_conformance(StoreFixture& fixture) {
  ConformanceReport report;
  for (const ConformanceCase& one : conformance_cases()) {
    report.results.push_back(run_case(one, fixture));
  }
  return report;
}

}  // namespace testing
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_TESTING_STORE_CONFORMANCE_HPP
