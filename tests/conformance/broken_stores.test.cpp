// SPDX-License-Identifier: MIT
// The conformance suite accepts a right store, refuses every store with a defect in it, and has no
// case that nothing could fail.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iostream>
#include <limits>
#include <memory>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "conformance/broken_claims_and_saves.hpp"
#include "conformance/broken_keys_and_values.hpp"
#include "conformance/broken_purges_and_threads.hpp"
#include "conformance/model_store.hpp"
#include "nexus/idempotency/testing/store_conformance.hpp"
#include "support/catch.hpp"

namespace {

using namespace conformance;
using testing::ConformanceOutcome;

template <class Store>
std::unique_ptr<IdempotencyStore> open_store(std::shared_ptr<Contents> contents) {
  return std::make_unique<Store>(std::move(contents));
}
using Open = std::unique_ptr<IdempotencyStore> (*)(std::shared_ptr<Contents>);

class Fixture final : public testing::StoreFixture {
 public:
  explicit Fixture(Open open, bool expires = false) : open_(open), expires_(expires) {}

  std::unique_ptr<IdempotencyStore> make_store() override {
    contents_ = std::make_shared<Contents>();
    return open_(contents_);
  }
  std::unique_ptr<IdempotencyStore> connect() override { return open_(contents_); }
  bool expires_by_itself() const override { return expires_; }

 private:
  Open open_;
  bool expires_;
  std::shared_ptr<Contents> contents_;
};

// A right store too: one that removes by itself what lapsed before the year 2099 was out, as an
// engine would for which that is the present. The suite must keep its deadlines out of the past.
struct ExpiresByItself final : ModelStore {
  using ModelStore::ModelStore;
  ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    auto answer = ModelStore::claim_pending(candidate);
    expire();
    return answer;
  }
  bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override {
    const bool written = ModelStore::save_if(guard, next);
    expire();
    return written;
  }
  std::size_t purge_expired(Timestamp, std::size_t) override { return 0; }

 private:
  void expire() {
    constexpr auto present = std::chrono::sys_days{std::chrono::year{2099} / 12 / 31};
    ModelStore::purge_expired(present, std::numeric_limits<std::size_t>::max());
  }
};

struct Defect {
  std::string_view name;
  Open open;
  std::vector<std::string_view> caught_by;  // how the names of cases begin that must fail
  bool expires_by_itself = false;
};

const Defect defects[] = {
    {"find inserts", &open_store<FindInserts>, {"find: an absent key"}},
    {"claim overwrites", &open_store<ClaimOverwrites>, {"claim_pending: returns what is there"}},
    {"claim overwrites what has failed",
     &open_store<ClaimOverwritesFailed>,
     {"claim_pending: returns what is there"}},
    {"claim takes lapsed records over",
     &open_store<ClaimJudgesDeadlines>,
     {"claim_pending: returns what is there"}},
    {"claim answers with the candidate",
     &open_store<ClaimReturnsCandidate>,
     {"claim_pending: returns what is there"}},
    {"claim takes its own repeat for new",
     &open_store<ClaimTakesItsRepeatForNew>,
     {"claim_pending: a repeat"}},
    {"claim drops the deadline", &open_store<ClaimDropsTheDeadline>, {"claim_pending: stores"}},
    {"claim is not atomic", &open_store<ClaimNotAtomic>, {"threads: one of many claims"}},
    {"guard ignored", &open_store<GuardIgnored>, {"save_if: a superseded owner"}},
    {"token not compared", &open_store<TokenNotCompared>, {"save_if: compares the token"}},
    {"token compared without case", &open_store<TokenCaseFolded>, {"save_if: compares the token"}},
    {"fingerprint not compared",
     &open_store<FingerprintNotCompared>,
     {"save_if: compares the fingerprint"}},
    {"fingerprint compared to the first NUL",
     &open_store<FingerprintComparedToNul>,
     {"save_if: compares the fingerprint"}},
    {"status not compared", &open_store<StatusNotCompared>, {"save_if: compares the status"}},
    {"failed taken for expired",
     &open_store<FailedTakenForExpired>,
     {"save_if: compares the status"}},
    {"lease not compared", &open_store<LeaseNotCompared>, {"save_if: judges the lease"}},
    {"lease over at its deadline",
     &open_store<LeaseOverAtItsDeadline>,
     {"save_if: judges the lease"}},
    {"lease without a deadline lapses",
     &open_store<LeaseWithoutDeadlineLapses>,
     {"save_if: judges the lease"}},
    {"lease compared as double", &open_store<LeaseComparedAsDouble>, {"save_if: judges the lease"}},
    {"upsert", &open_store<Upsert>, {"save_if: never inserts"}},
    {"update without the key", &open_store<UpdateWithoutKey>, {"save_if: changes no other key"}},
    {"save keeps created_at", &open_store<SaveKeepsCreatedAt>, {"save_if: writes every field"}},
    {"save keeps the result for none",
     &open_store<SaveKeepsTheResultForNone>,
     {"records: none, omitted and bytes"}},
    {"completed again", &open_store<OutcomeTwice>, {"save_if: a second outcome"}},
    {"save is not atomic",
     &open_store<SaveNotAtomic>,
     {"threads: one of many take-overs", "threads: one of many outcomes",
      "threads: a completion or a take-over", "threads: of many renewals"}},
    {"renewal shortens", &open_store<RenewalShortens>, {"save_if: a renewal keeps"}},
    {"renewal takes none for early",
     &open_store<RenewalTakesNoneForEarly>,
     {"save_if: a renewal keeps"}},
    {"renewal writes the deadline only",
     &open_store<RenewalWritesTheDeadlineOnly>,
     {"save_if: a renewal keeps"}},
    {"every write keeps the later deadline",
     &open_store<EveryWriteKeepsTheLaterDeadline>,
     {"save_if: whatever is no renewal"}},
    {"renewal known by its token alone",
     &open_store<RenewalKnownByTokenAlone>,
     {"save_if: whatever is no renewal"}},
    {"renewal known by its status alone",
     &open_store<RenewalKnownByStatusAlone>,
     {"save_if: whatever is no renewal"}},
    {"purge by stale id", &open_store<PurgeByStaleId>, {"threads: a purge spares"}},
    {"purge at the deadline", &open_store<PurgeAtTheDeadline>, {"purge_expired: goes by"}},
    {"purge without a deadline", &open_store<PurgeWithoutDeadline>, {"purge_expired: removes any"}},
    {"purge spares pending records",
     &open_store<PurgeSparesPending>,
     {"purge_expired: removes any"}},
    {"purge over its limit", &open_store<PurgeOverItsLimit>, {"purge_expired: keeps to its limit"}},
    {"purge reports its limit",
     &open_store<PurgeReportsItsLimit>,
     {"purge_expired: keeps to its limit"}},
    {"purge by the first deadline",
     &open_store<PurgeByTheFirstDeadline>,
     {"purge_expired: judges the deadline"}},
    {"purge leaves the key taken",
     &open_store<PurgeLeavesTheKeyTaken>,
     {"purge_expired: frees the key"}},
    {"purge beside the engine's own",
     &open_store<ModelStore>,
     {"purge_expired: returns 0 where the engine"},
     true},
    {"keys without case", &open_store<KeysCaseFolded>, {"keys: client keys"}},
    {"keys cut at NUL", &open_store<KeysByPart<PartCutAtNul>>, {"keys: client keys"}},
    {"keys shortened", &open_store<KeysByPart<PartShortened>>, {"keys: operations"}},
    {"keys without accents", &open_store<KeysByPart<PartWithoutAccents>>, {"keys: tenants"}},
    {"keys joined by a colon", &open_store<KeysJoined>, {"keys: the three parts"}},
    {"tenant left out", &open_store<KeysByPart<NoTenant>>, {"keys: tenants"}},
    {"operation left out", &open_store<KeysByPart<NoOperation>>, {"keys: operations"}},
    {"milliseconds", &open_store<Keeps<Milliseconds>>, {"records: every time"}},
    {"unsigned times", &open_store<Keeps<UnsignedTimes>>, {"records: every time"}},
    {"none for the last time", &open_store<Keeps<NoneForTheLastTime>>, {"records: every time"}},
    {"fence as double", &open_store<Keeps<FenceAsDouble>>, {"records: fences"}},
    {"fence of 32 bits", &open_store<Keeps<FenceOf32Bits>>, {"records: fences"}},
    {"token cut at NUL", &open_store<Keeps<TokenCutAtNul>>, {"records: every control byte"}},
    {"fingerprint shortened",
     &open_store<Keeps<FingerprintShortened>>,
     {"records: the longest texts"}},
    {"omitted read as none", &open_store<Keeps<OmittedAsNone>>, {"records: results"}},
    {"none read as omitted", &open_store<Keeps<NoneAsOmitted>>, {"records: results"}},
    {"result cut at NUL", &open_store<Keeps<ResultBytes<ResultToNul>>>, {"records: results"}},
    {"result one byte short",
     &open_store<Keeps<ResultBytes<ResultOneByteShort>>>,
     {"records: results"}},
    {"result trimmed",
     &open_store<Keeps<ResultBytes<ResultWithoutBlanksAround>>>,
     {"records: results"}},
    {"result null taken for nothing",
     &open_store<Keeps<ResultBytes<ResultNullIsNone>>>,
     {"records: results"}},
    {"results not durable", &open_store<ResultsNotDurable>, {"objects: contents outlive"}},
    {"purge not durable", &open_store<PurgeNotDurable>, {"objects: contents outlive"}},
    {"reads cached by each object", &open_store<ObjectCachesReads>, {"objects: two objects share"}},
    {"lock per object",
     &open_store<LockPerObject>,
     {"threads, an object each: one of many claims",
      "threads, an object each: one of many take-overs",
      "threads, an object each: one of many outcomes",
      "threads, an object each: a completion or a take-over",
      "threads, an object each: a purge spares"}},
    {"everything written back", &open_store<AllWrittenBack>, {"threads: many keys at once"}},
    {"fields written one by one",
     &open_store<FieldsWrittenOneByOne>,
     {"threads: readers see whole records"}},
};

}  // namespace

TEST_CASE("a right store passes every case that applies to it") {
  Fixture plain(&open_store<ModelStore>);
  Fixture expiring(&open_store<ExpiresByItself>, true);
  for (Fixture* fixture : {&plain, &expiring}) {
    const auto report = testing::run_conformance(*fixture);
    INFO(report);
    CHECK(report.passed());
    const std::size_t skipped = fixture->expires_by_itself() ? 7 : 1;  // the cases of the purge
    CHECK(report.count(ConformanceOutcome::skipped) == skipped);
  }
}

TEST_CASE("every defect is caught, and every case catches one") {
  std::set<std::string_view> useful_cases;
  for (const Defect& defect : defects) {
    Fixture fixture(defect.open, defect.expires_by_itself);
    std::set<std::string_view> failed;
    const auto caught = [&failed](std::string_view expected) {
      return std::any_of(failed.begin(), failed.end(), [&](std::string_view name) {
        return name.substr(0, expected.size()) == expected;
      });
    };
    // Some defects need two threads to meet, which on a busy machine may take a second run.
    for (int run = 0; run < 3; ++run) {
      for (const auto& result : testing::run_conformance(fixture).results) {
        if (result.outcome == ConformanceOutcome::failed) failed.insert(result.name);
      }
      if (std::all_of(defect.caught_by.begin(), defect.caught_by.end(), caught)) break;
    }
    std::cout << defect.name << ":\n";
    for (const std::string_view name : failed) std::cout << "    " << name << '\n';
    for (const std::string_view expected : defect.caught_by) {
      INFO(defect.name << " must fail " << expected);
      CHECK(caught(expected));
    }
    useful_cases.merge(failed);
  }
  for (const auto& one : testing::conformance_cases()) {
    INFO("no defect fails " << one.name);
    CHECK(useful_cases.count(one.name) == 1);
  }
}
