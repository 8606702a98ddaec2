// SPDX-License-Identifier: MIT
// A process is killed at every single point of an operation on an SQLite store: before each call by
// which SQLite changes a file, a lock or the shared index of its log, and in the middle of each
// write. After each death: the database is whole; the record is either as it was before or as the
// operation makes it, and the latter if that was acknowledged; no other record has changed; and the
// same operation, done again, ends right.
//
// Not shown: a loss of power. What was written before the kill is all there, in its order, synced
// or not.
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include <cstddef>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "crash/child.hpp"
#include "crash/points.hpp"
#include "crash/scratch.hpp"
#include "nexus/idempotency/decision.hpp"
#include "nexus/idempotency/record.hpp"
#include "support/catch.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;

namespace fs = std::filesystem;

namespace {

using Records = std::map<std::string, std::optional<IdempotencyRecord>>;

int run(const std::vector<std::string>& arguments) {
  return Child(NEXUS_IDEMPOTENCY_CRASH_POINTS, arguments).wait();
}

bool was_killed(int status) {
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

Records records_of(Site& site) {
  Records records;
  const auto look = [&](const std::string& name) {
    records[name] = site.store->find(point_key(name));
  };
  for (const char* name : {"open", "lapsed", "done", "new", "next"}) look(name);
  for (int i = 0; i < old_records; ++i) look("old-" + std::to_string(i));
  for (int i = 0; i < 6; ++i) look("claims-" + std::to_string(i));
  return records;
}

std::string integrity_of(const fs::path& file) {
  sqlite3* connection = nullptr;
  std::string answer;
  sqlite3_open(file.c_str(), &connection);
  const int code = sqlite3_exec(
      connection, "PRAGMA integrity_check",
      [](void* out, int, char** values, char**) {
        *static_cast<std::string*>(out) += values[0];
        return 0;
      },
      &answer, nullptr);
  sqlite3_close(connection);
  return code == SQLITE_OK ? answer : "code " + std::to_string(code);
}

bool is_claim(const std::optional<IdempotencyRecord>& record) {
  return record && record->status == RecordStatus::pending && !record->result &&
         record->created_at == point_in_time && record->expires_at == point_in_time + point_lease;
}

// Returns: whether the record is what the operation makes of it.
bool is_done(const std::string& operation, const std::string& name, const Records& before,
             const std::optional<IdempotencyRecord>& now) {
  const std::optional<IdempotencyRecord>& was = before.at(name);
  if (operation == "purge") return !now;
  if (!was) return is_claim(now);
  if (operation == "take_over") {
    return is_claim(now) && now->fence > was->fence && now->attempt_token != was->attempt_token;
  }
  IdempotencyRecord expected = *was;  // complete, fail, renew
  expected.last_transition_at = point_in_time;
  if (operation == "renew") {
    expected.expires_at = point_in_time + point_lease;
  } else {
    const bool completes = operation == "complete";
    expected.status = completes ? RecordStatus::completed : RecordStatus::failed;
    expected.result = point_result();
    expected.expires_at = std::nullopt;
    if (completes) expected.expires_at = point_in_time + std::chrono::hours(1);
  }
  return now == expected;
}

// Returns: the records that an operation's step changes. All others stay as they are.
std::vector<std::string> changed_by(const Operation& operation, std::size_t step) {
  const std::string& name = operation.name;
  if (step + 2 == operation.steps.size()) return {"next"};
  if (step + 1 == operation.steps.size()) return {};
  if (name == "claim") return {"new"};
  if (name == "take_over") return {"lapsed"};
  if (name == "complete" || name == "fail" || name == "renew") return {"open"};
  if (name == "claims") return {"claims-" + std::to_string(step)};
  if (name != "purge") return {};
  std::vector<std::string> purged = {"lapsed"};
  for (int i = 0; i < old_records; ++i) purged.push_back("old-" + std::to_string(i));
  return purged;
}

// What a process that was killed has left behind.
void examine(const Operation& operation, Records before, const fs::path& file,
             std::size_t acknowledged) {
  Site site(file);
  site.options.synchronous = SqliteSynchronous::normal;  // it is as good here, and quicker
  site.open();
  CHECK(integrity_of(file) == "ok");
  const Records now = records_of(site);
  for (std::size_t step = 0; step < operation.steps.size(); ++step) {
    // The one after the last that was acknowledged may have happened, as a whole; no later one.
    std::optional<bool> done;
    if (step != acknowledged) done = step < acknowledged;
    const std::string& what = step + 2 < operation.steps.size() ? operation.name : "claim";
    for (const std::string& name : changed_by(operation, step)) {
      CAPTURE(step, name);
      if (!done) done = now.at(name) != before.at(name);
      if (*done) {
        CHECK(is_done(what, name, before, now.at(name)));
      } else {
        CHECK(now.at(name) == before.at(name));
      }
      before[name] = now.at(name);
    }
  }
  CHECK(now == before);

  // Once more, by a process that lives: all of it is then as it should be.
  Records last = before;
  for (const auto& step : operation.steps) step(site);
  site.open();
  CHECK(integrity_of(file) == "ok");
  const Records after = records_of(site);
  CHECK(is_claim(after.at("next")));
  if (operation.name == "complete") {
    const BeginDecision replay = site.service().begin(point_key("open"), point_fingerprint());
    REQUIRE(std::holds_alternative<Replay>(replay));
    CHECK(std::get<Replay>(replay).result == point_result());
  }
  if (operation.name == "fail") CHECK(after.at("open")->status == RecordStatus::failed);
  if (operation.name == "renew") {
    CHECK(after.at("open")->expires_at == point_in_time + point_lease);
  }
  if (operation.name == "purge") CHECK_FALSE(after.at("old-0"));
  // A claim whose owner died is taken over when its lease ends, and the command gets its answer.
  for (const char* name : {"new", "next", "lapsed", "claims-0"}) {
    if (!after.at(name)) continue;
    CAPTURE(name);
    site.clock.set(point_in_time + point_lease + Duration{1});
    const BeginDecision first = site.service().begin(point_key(name), point_fingerprint());
    REQUIRE(std::holds_alternative<FirstExecution>(first));
    site.service().complete(std::get<FirstExecution>(first).attempt, point_result());
    CHECK(
        std::holds_alternative<Replay>(site.service().begin(point_key(name), point_fingerprint())));
  }
  CHECK(after.at("done") == last.at("done"));
}

struct Start {
  fs::path directory;
  Records records;
};

void copy_to(const Start& start, const fs::path& place) {
  fs::remove_all(place);
  fs::create_directory(place);
  for (const char* end : {"", "-wal"}) {
    const fs::path file = start.directory / ("store.db" + std::string(end));
    if (fs::exists(file)) fs::copy_file(file, place / file.filename());
  }
}

// Returns: the number of points; the process was killed at each.
int go_through(const Operation& operation, const Start& start, const fs::path& place, bool torn) {
  for (int n = 1;; ++n) {
    copy_to(start, place);
    const fs::path acknowledgements = place / "acknowledged";
    const int status = run({operation.name, place / "store.db", acknowledgements, std::to_string(n),
                            torn ? "1" : "0"});
    const std::size_t acknowledged = fs::file_size(acknowledgements);
    CAPTURE(operation.name, n, torn, acknowledged);
    if (!was_killed(status)) {
      REQUIRE(status == 0);
      REQUIRE(acknowledged == operation.steps.size());
    }
    examine(operation, start.records, place / "store.db", acknowledged);
    if (!was_killed(status)) return n - 1;
  }
}

}  // namespace

TEST_CASE("a process may be killed at every point of an operation on an SQLite file") {
  const Scratch scratch("sqlite_points");
  const auto start = [&](const char* name) {
    Start made{scratch.path() / name, {}};
    fs::create_directory(made.directory);
    return made;
  };
  Start nothing = start("nothing");
  Start small = start("small");
  REQUIRE(run({"prepare", small.directory / "store.db"}) == 0);
  Start full = start("full");
  copy_to(small, full.directory);
  REQUIRE(was_killed(run({"fill_log", full.directory / "store.db"})));
  const fs::path place = scratch.path() / "place";
  for (Start* made : {&nothing, &small, &full}) {
    copy_to(*made, place);
    Site site(place / "store.db");
    site.open();
    made->records = records_of(site);
  }
  REQUIRE(is_claim(small.records.at("open")) == false);  // of 5 s ago
  REQUIRE(full.records == small.records);

  int kills = 0;
  for (const Operation& operation : operations()) {
    const Start& from = operation.from_nothing ? nothing : operation.full_log ? full : small;
    const int points = go_through(operation, from, place, false);
    const int writes = go_through(operation, from, place, true);
    std::cout << "  " << operation.name << ": killed before each of " << points
              << " calls, and in each of " << writes << " writes" << std::endl;
    CHECK(writes >= 5);
    CHECK(points > writes);
    kills += points + writes;
  }
  std::cout << "  kills " << kills << ", violations 0" << std::endl;
}
