// SPDX-License-Identifier: MIT
// The judge on logs written by hand: each broken promise is found, and what is right is let pass.
#include "crash/judge.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "crash/commands.hpp"
#include "crash/log.hpp"
#include "crash/scratch.hpp"
#include "support/catch.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;

namespace {

constexpr std::uint32_t retryable = 0;
constexpr std::uint32_t final_failure = 4;

// A log in the making. Times: an attempt with fence n has the lease [n, n + 100].
struct Story {
  std::vector<Event> events;
  std::uint32_t key = retryable;

  Story& add(std::uint32_t worker, What what, std::uint64_t fence = 0,
             const std::string& detail = "-", std::int64_t wall = 0) {
    Event event{worker, what, key, fence, 0, 0, wall, detail};
    if (what == What::executed || what == What::renewed) {
      event.from = static_cast<std::int64_t>(fence);
      event.until = event.from + 100;
    }
    events.push_back(event);
    return *this;
  }
  Story& renewed(std::uint32_t worker, std::uint64_t fence, std::int64_t until) {
    add(worker, What::ask_renew, fence).add(worker, What::renewed, fence);
    events.back().until = until;
    return *this;
  }
  Story& begins(std::uint32_t worker, What answer, std::uint64_t fence = 0,
                const std::string& detail = "-") {
    return add(worker, What::ask_begin).add(worker, answer, fence, detail);
  }
  Story& executes(std::uint32_t worker, std::uint64_t fence) {
    return begins(worker, What::executed, fence);
  }
  Story& completes(std::uint32_t worker, std::uint64_t fence, const std::string& result) {
    return add(worker, What::ask_complete, fence, result)
        .add(worker, What::completed, fence, result);
  }
  Story& fails(std::uint32_t worker, std::uint64_t fence, const std::string& failure) {
    return add(worker, What::ask_fail, fence, failure).add(worker, What::failed, fence, failure);
  }
  Story& refused(std::uint32_t worker, std::uint64_t fence, const std::string& why,
                 std::int64_t wall) {
    return add(worker, What::ask_complete, fence, "late")
        .add(worker, What::refused, fence, "complete:" + why, wall);
  }

  Judgement judged() const { return judge(events); }
  bool innocent() const {
    const Judgement judgement = judged();
    for (const std::string& violation : judgement.violations) UNSCOPED_INFO(violation);
    return judgement.violations.empty();
  }
  bool accused_of(const std::string& what) const {
    const Judgement judgement = judged();
    return std::any_of(judgement.violations.begin(), judgement.violations.end(),
                       [&](const std::string& v) { return v.find(what) != std::string::npos; });
  }
};

}  // namespace

TEST_CASE("the judge lets pass what is right") {
  Story story;
  story.executes(1, 1000).begins(2, What::in_progress);  // 1 is killed
  story.executes(2, 1101).renewed(2, 1101, 1300).fails(2, 1101, "f1");
  story.executes(3, 1200).completes(3, 1200, "r1");
  story.begins(4, What::replayed, 0, "r1");
  story.add(4, What::ask_begin, 0, "foreign").add(4, What::conflict);
  story.add(3, What::ask_complete, 1200, "other").add(3, What::refused, 1200, "complete:not_open");
  story.refused(1, 1000, "superseded", 1101);
  story.add(5, What::ask_complete, 1200, "r1");  // cut
  CHECK(story.innocent());

  const Judgement judgement = story.judged();
  CHECK(judgement.counts.executions == 3);
  CHECK(judgement.counts.takeovers == 1);
  CHECK(judgement.counts.retries == 1);
  CHECK(judgement.counts.completed == 1);
  CHECK(judgement.counts.failed == 1);
  CHECK(judgement.counts.replays == 1);
  CHECK(judgement.counts.waits == 1);
  CHECK(judgement.counts.refusals == 2);
  CHECK(judgement.counts.cut_calls == 1);
  CHECK(judgement.settled.at(retryable) == Settled{RecordStatus::completed, 1200, "r1"});
}

TEST_CASE("the judge does not hold against anybody what happened at the same time") {
  Story story;
  story.add(1, What::ask_begin).add(2, What::ask_begin);
  story.add(1, What::executed, 1000).completes(1, 1000, "r");
  story.add(2, What::in_progress);  // its answer is older than it looks
  story.add(3, What::ask_begin).begins(4, What::replayed, 0, "r").add(3, What::replayed, 0, "r");
  CHECK(story.innocent());
}

TEST_CASE("the judge finds two executions under one lease") {
  SECTION("side by side") {
    Story story;
    story.executes(1, 1000).executes(2, 1100);  // at its end it still holds
    CHECK(story.accused_of("within the lease"));
  }
  SECTION("under a renewed lease") {
    Story story;
    story.executes(1, 1000).renewed(1, 1000, 1150).executes(2, 1120);
    CHECK(story.accused_of("within the lease"));
  }
  SECTION("before the failure was reported") {
    Story story;
    story.executes(1, 1000).executes(2, 1050).fails(1, 1000, "f");
    CHECK(story.accused_of("within the lease"));
  }
  SECTION("after a failure that may not be tried again") {
    Story story;
    story.key = final_failure;
    story.executes(1, 1000).add(1, What::ask_fail, 1000, "f").executes(2, 1050);
    CHECK(story.accused_of("within the lease"));
  }
  SECTION("with one fence") {
    Story story;
    story.executes(1, 1000).executes(2, 1000);
    CHECK(story.accused_of("one fence"));
  }
}

TEST_CASE("the judge finds a fence that does not grow") {
  Story story;
  story.executes(1, 2000).executes(2, 1000);
  CHECK(story.accused_of("fence does not grow"));
}

TEST_CASE("the judge finds a result that does not stand") {
  Story story;
  story.executes(1, 1000).completes(1, 1000, "r");
  SECTION("executed again") {
    story.executes(2, 1200);
    CHECK(story.accused_of("executed again after the final answer"));
    CHECK(story.accused_of("got executed"));
  }
  SECTION("replayed otherwise") {
    story.begins(2, What::replayed, 0, "x");
    CHECK(story.accused_of("nobody had reported"));
  }
  SECTION("not replayed") {
    story.begins(2, What::in_progress);
    CHECK(story.accused_of("got in_progress"));
  }
  SECTION("two results") {
    story.completes(1, 1000, "other");
    CHECK(story.accused_of("two outcomes of one attempt"));
  }
  SECTION("the contradiction is replayed") {
    story.add(1, What::ask_complete, 1000, "other").begins(2, What::replayed, 0, "other");
    CHECK(story.accused_of("two final answers"));
  }
  SECTION("given to another request") {
    story.add(2, What::ask_begin, 0, "foreign").add(2, What::replayed, 0, "r");
    CHECK(story.accused_of("a conflict is misjudged"));
  }
}

TEST_CASE("the judge holds a replay to be final, though its completion was never acknowledged") {
  Story story;
  story.executes(1, 1000).add(1, What::ask_complete, 1000, "r");
  story.begins(2, What::replayed, 0, "r");
  CHECK(story.innocent());
  CHECK(story.judged().settled.at(retryable).fence == 1000);
  story.executes(3, 1200);
  CHECK(story.accused_of("executed again after the final answer"));
}

TEST_CASE("the judge finds a result that is replayed before it was reported") {
  Story story;
  story.executes(1, 1000).begins(2, What::replayed, 0, "r").completes(1, 1000, "r");
  CHECK(story.accused_of("nobody had reported"));
}

TEST_CASE("the judge finds a failure that does not stand") {
  Story story;
  story.key = final_failure;
  story.executes(1, 1000).fails(1, 1000, "f").begins(2, What::retry_not_allowed, 0, "f");
  CHECK(story.innocent());
  SECTION("executed again") {
    story.executes(2, 1200);
    CHECK(story.accused_of("executed again"));
  }
  SECTION("refused where it may be tried again") {
    Story other;
    other.executes(1, 1000).fails(1, 1000, "f").begins(2, What::retry_not_allowed, 0, "f");
    CHECK(other.accused_of("a retry is refused"));
  }
}

TEST_CASE("the judge tells apart who reported what looks alike") {
  Story story;
  story.key = final_failure;
  // The first report never arrived; its lease ended.
  story.executes(1, 1).add(1, What::ask_fail, 1, "none");
  story.executes(2, 200).fails(2, 200, "none").begins(3, What::retry_not_allowed, 0, "none");
  CHECK(story.innocent());
  CHECK(story.judged().settled.at(final_failure).fence == 200);
  // But an attempt after the one that the answer is of is still one too many.
  story.executes(4, 400);
  CHECK(story.accused_of("executed again after the final answer"));
}

TEST_CASE("the judge finds refusals without a reason") {
  Story story;
  story.executes(1, 1000);
  CHECK(Story(story).refused(1, 1000, "superseded", 1100).accused_of("within its lease"));
  CHECK(Story(story).refused(1, 1000, "superseded", 1101).innocent());
  CHECK(Story(story).refused(1, 1000, "lease_expired", 1100).accused_of("within its lease"));
  CHECK(Story(story).refused(1, 1000, "not_open", 1101).accused_of("nobody reported"));
  CHECK(Story(story).refused(1, 1000, "fingerprint_mismatch", 9999).accused_of("without a reason"));
  const std::int64_t purgeable = 1100 + purge_grace.count();
  CHECK(Story(story).refused(1, 1000, "missing", purgeable).accused_of("went missing"));
  CHECK(Story(story).refused(1, 1000, "missing", purgeable + 1).innocent());
}

TEST_CASE("the judge finds errors that no crash explains") {
  for (const std::string code : {"in_doubt", "unavailable", "contended", "exhausted"}) {
    CHECK(Story().add(1, What::fault, 0, "claim_pending:" + code + ":x").innocent());
  }
  for (const std::string code : {"corrupt", "misconfigured"}) {
    CHECK(Story().add(1, What::fault, 0, "claim_pending:" + code + ":x").accused_of("no crash"));
    CHECK(Story().add(1, What::error, 0, "begin:" + code + ":x").accused_of("no crash"));
  }
  CHECK(Story().add(1, What::stuck).accused_of("no final answer"));
}

TEST_CASE("the judge compares the answers with what is stored") {
  Story story;
  story.executes(1, 1000).completes(1, 1000, "r");
  const Judgement judgement = story.judged();
  const Settled right{RecordStatus::completed, 1000, "r"};
  CHECK(compare(judgement, {{0, right}}, 1).empty());
  CHECK(compare(judgement, {}, 1).size() == 1);
  CHECK(compare(judgement, {{0, {RecordStatus::completed, 1000, "s"}}}, 1).size() == 1);
  CHECK(compare(judgement, {{0, {RecordStatus::completed, 1001, "r"}}}, 1).size() == 1);
  CHECK(compare(judgement, {{0, {RecordStatus::pending, 1000, "r"}}}, 1).size() == 1);
  CHECK(compare(judgement, {{0, right}}, 2).size() == 1);  // command 1 has no answer
}

TEST_CASE("the log gives back what was written, and passes over torn lines") {
  const Scratch scratch("judge");
  const std::filesystem::path file = scratch.path() / "log";
  const Event first{7, What::executed, 3, 1'700'000'000'000'000, -5, 6, 0, "-"};
  const Event second{8, What::completed, 4, 9, 0, 0, 0, "r/4:20:123"};
  LogReader reader(file);
  LogWriter(file).add(first);
  CHECK(reader.read().size() == 1);
  const std::string whole = to_line(second);
  for (std::size_t size = 2; size + 2 <= whole.size(); size += 3) {  // killed while it wrote
    std::ofstream(file, std::ios::app) << whole.substr(0, size);
  }
  LogWriter(file).add(second);
  std::vector<Event> events = reader.read();
  REQUIRE(events.size() == 2);
  CHECK(events[1].wall > 0);
  for (Event& event : events) event.wall = 0;
  CHECK(events[0] == first);
  CHECK(events[1] == second);
  CHECK(reader.torn_lines() > 10);
}
