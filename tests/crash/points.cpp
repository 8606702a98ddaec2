// SPDX-License-Identifier: MIT
#include "crash/points.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <stdexcept>
#include <utility>
#include <variant>

#include "nexus/idempotency/attempt.hpp"
#include "nexus/idempotency/decision.hpp"
#include "nexus/idempotency/record.hpp"

namespace nexus::idempotency::test {
namespace {

using namespace std::chrono_literals;

// SQLite's own limits: the log is moved when it has a thousand pages, each with a header.
constexpr std::uintmax_t log_page = 4096 + 24;
constexpr std::uintmax_t checkpoint_pages = 1000;

Attempt claim(Site& site, std::string_view name) {
  BeginDecision answer = site.service().begin(point_key(name), point_fingerprint());
  if (const auto* first = std::get_if<FirstExecution>(&answer)) return first->attempt;
  throw std::runtime_error("the command may not be executed");
}

// The attempt of a record, as if its owner had kept it.
Attempt attempt_of(Site& site, std::string_view name) {
  const IdempotencyRecord record = site.store->find(point_key(name)).value();
  return {record.key,   record.fingerprint, record.attempt_token,
          record.fence, record.created_at,  record.expires_at};
}

void begin(Site& site, std::string_view name) {
  (void)site.service().begin(point_key(name), point_fingerprint());
}

void checkpoint(const std::filesystem::path& file) {
  sqlite3* connection = nullptr;
  if (sqlite3_open(file.c_str(), &connection) != SQLITE_OK ||
      sqlite3_exec(connection, "PRAGMA wal_checkpoint(TRUNCATE)", nullptr, nullptr, nullptr) !=
          SQLITE_OK) {
    throw std::runtime_error("no checkpoint");
  }
  sqlite3_close(connection);
}

std::vector<Operation> all_operations() {
  std::vector<Operation> all;
  const auto add = [&](std::string name, std::function<void(Site&)> step) {
    Operation& operation = all.emplace_back();
    operation.name = std::move(name);
    operation.steps.push_back(std::move(step));
    return &operation;
  };
  add("claim", [](Site& site) { begin(site, "new"); });
  add("take_over", [](Site& site) { begin(site, "lapsed"); });
  add("complete",
      [](Site& site) { site.service().complete(attempt_of(site, "open"), point_result()); });
  add("fail", [](Site& site) { site.service().fail(attempt_of(site, "open"), point_result()); });
  add("renew", [](Site& site) { (void)site.service().renew(attempt_of(site, "open")); });
  add("purge", [](Site& site) { site.store->purge_expired(point_in_time, 100); });
  add("checkpoint", [](Site& site) { checkpoint(site.file); })->full_log = true;
  add("reopen", [](Site& site) { site.open(); })->full_log = true;
  all.back().opens = true;
  add("create", [](Site& site) { site.open(); })->from_nothing = true;
  all.back().opens = true;
  add("claims", [](Site& site) { begin(site, "claims-0"); })->full_log = true;
  for (int i = 1; i < 6; ++i) {  // one of them comes upon the limit of the log
    all.back().steps.emplace_back([i](Site& site) { begin(site, "claims-" + std::to_string(i)); });
  }
  for (Operation& operation : all) {
    operation.steps.emplace_back([](Site& site) { begin(site, "next"); });
    operation.steps.emplace_back([](Site& site) { site.store.reset(); });
  }
  return all;
}

}  // namespace

IdempotencyKey point_key(std::string_view name) {
  return {TenantId{"tenant"}, OperationRef{"crash.points"}, ClientKey{name}};
}

RequestFingerprint point_fingerprint() {
  return RequestFingerprint{"request"};
}

ResultEnvelope point_result() {
  return ResultEnvelope(std::string(6000, 'r'));
}

void prepare(Site& site) {
  site.open();
  site.clock.set(point_in_time - 2h);
  for (int i = 0; i < old_records; ++i) {
    site.service().complete(claim(site, "old-" + std::to_string(i)), point_result());
  }
  site.clock.set(point_in_time - 100s);
  claim(site, "lapsed");
  site.clock.set(point_in_time - 5s);
  claim(site, "open");
  site.clock.set(point_in_time);
  site.service().complete(claim(site, "done"), point_result());
  site.store.reset();
}

void fill_log(Site& site) {
  site.open();
  std::filesystem::path log = site.file;
  log += "-wal";
  for (int i = 0; std::filesystem::file_size(log) < (checkpoint_pages - 8) * log_page; ++i) {
    claim(site, "filling-" + std::to_string(i));
  }
}

const std::vector<Operation>& operations() {
  static const std::vector<Operation> all = all_operations();
  return all;
}

}  // namespace nexus::idempotency::test
