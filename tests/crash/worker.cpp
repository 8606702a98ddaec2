// SPDX-License-Identifier: MIT
#include "crash/worker.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "crash/commands.hpp"
#include "crash/noting_store.hpp"

namespace nexus::idempotency::test {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 40ms;  // before a call that went wrong is repeated
constexpr int many_tries = 3000;

}  // namespace

void Worker::work(const std::atomic<bool>& stop) {
  while (!stop) {
    const std::uint32_t key = next_key();
    const std::optional<BeginDecision> answer = begin(key);
    if (!answer) {
      nap(patience);
    } else if (const auto* first = std::get_if<FirstExecution>(&*answer)) {
      live(key, first->attempt);
    } else if (std::holds_alternative<Replay>(*answer) && chance(30)) {
      (void)begin(key, true);
    } else {
      nap(500us);
    }
    if (chance(5)) purge();
  }
}

void Worker::settle() {
  std::vector<std::uint32_t> keys(orders_.settle);
  std::iota(keys.begin(), keys.end(), 0U);
  std::shuffle(keys.begin(), keys.end(), random_);
  for (const std::uint32_t key : keys) {
    bool settled = false;
    for (int tries = 0; tries < many_tries && !settled; ++tries) {
      const std::optional<BeginDecision> answer = begin(key);
      if (!answer) {
        nap(patience);
      } else if (const auto* first = std::get_if<FirstExecution>(&*answer)) {
        (void)complete(key, first->attempt, bytes("result", key, first->attempt));
      } else if (std::holds_alternative<InProgress>(*answer)) {
        std::this_thread::sleep_for(5ms);
      } else {
        settled = true;
      }
    }
    note(settled ? What::settled : What::stuck, key);
  }
}

void Worker::live(std::uint32_t key, const Attempt& attempt) {
  maybe_crash();
  const Duration lease{orders_.lease};
  Attempt own = attempt;
  if (chance(150)) {  // slow: others may take it over
    nap(lease * 2);
  } else if (chance(150)) {
    for (int times = 0; times < 2; ++times) {
      nap(lease);
      own = renew(key, own);
    }
  } else if (chance(500)) {
    nap(3ms);
  }
  maybe_crash();
  if (chance(30)) return;  // walks away
  if (chance(100)) {
    (void)fail(key, own, chance(500) ? std::nullopt : std::optional(bytes("failure", key, own)));
    return;
  }
  const ResultEnvelope result = bytes("result", key, own);
  if (complete(key, own, result) != Reported::acknowledged) return;
  if (chance(50)) (void)complete(key, own, result);  // its caller has not heard, and repeats
  if (chance(50)) (void)complete(key, own, bytes("contradiction", key, own));
}

std::optional<BeginDecision> Worker::begin(std::uint32_t key, bool foreign) {
  note(What::ask_begin, key, foreign ? "foreign" : "-");
  try {
    BeginDecision answer = service(key).begin(
        command_key(key), foreign ? foreign_fingerprint() : command_fingerprint(key));
    if (const auto* first = std::get_if<FirstExecution>(&answer)) {
      maybe_crash();
      note(What::executed, key, first->attempt);
    } else if (const auto* replay = std::get_if<Replay>(&answer)) {
      note(What::replayed, key, describe(replay->result));
    } else if (const auto* refused = std::get_if<RetryNotAllowed>(&answer)) {
      note(What::retry_not_allowed, key, describe(refused->failure));
    } else {
      note(std::holds_alternative<Conflict>(answer) ? What::conflict : What::in_progress, key);
    }
    return answer;
  } catch (const StoreError& error) {
    note_error("begin", key, error);
    return std::nullopt;
  }
}

template <class Call>
Worker::Reported Worker::report(What question, What success, std::uint32_t key,
                                const Attempt& attempt, const std::string& detail, Call call) {
  const std::string_view name = to_string(question).substr(4);
  for (int tries = 0; tries < many_tries; ++tries) {
    note(question, key, attempt, detail);
    try {
      const Attempt after = call();
      maybe_crash();
      note(success, key, after, detail);
      return Reported::acknowledged;
    } catch (const CompletionError& error) {
      note(What::refused, key, attempt,
           std::string(name) + ":" + std::string(to_string(error.reason())));
      return Reported::refused;
    } catch (const StoreError& error) {
      note_error(name, key, error);
      nap(patience);
    }
  }
  return Reported::gave_up;
}

Worker::Reported Worker::complete(std::uint32_t key, const Attempt& attempt,
                                  const ResultEnvelope& result) {
  return report(What::ask_complete, What::completed, key, attempt, describe(result), [&] {
    service(key).complete(attempt, result);
    return attempt;
  });
}

Worker::Reported Worker::fail(std::uint32_t key, const Attempt& attempt,
                              const std::optional<ResultEnvelope>& failure) {
  return report(What::ask_fail, What::failed, key, attempt, describe(failure), [&] {
    service(key).fail(attempt, failure);
    return attempt;
  });
}

Attempt Worker::renew(std::uint32_t key, const Attempt& attempt) {
  Attempt renewed = attempt;
  (void)report(What::ask_renew, What::renewed, key, attempt, "-", [&] {
    renewed = service(key).renew(attempt);
    return renewed;
  });
  return renewed;
}

void Worker::purge() {
  note(What::ask_purge);
  try {
    const Timestamp before = clock_.now() - purge_grace;
    note(What::purged, 0, std::to_string(store_.purge_expired(before, 100)));
  } catch (const StoreError& error) {
    note_error("purge", 0, error);
  }
}

IdempotencyService Worker::service(std::uint32_t key) {
  return {store_, clock_, command_policy(key, Duration{orders_.lease})};
}

std::uint32_t Worker::next_key() {
  const auto passed = static_cast<double>(monotonic_now() - orders_.since) / 1e6;
  const auto first = static_cast<std::uint64_t>(passed * orders_.rate);
  const std::uint64_t key = first + random_() % orders_.window;
  return static_cast<std::uint32_t>(key < orders_.keys ? key : random_() % orders_.keys);
}

void Worker::nap(Duration at_most) {
  const auto length = random_() % static_cast<std::uint64_t>(at_most.count());
  std::this_thread::sleep_for(Duration{static_cast<std::int64_t>(length)});
}

void Worker::maybe_crash() {
  if (!chance(orders_.own_crashes)) return;
  note(What::crashes);
  ::kill(::getpid(), SIGKILL);
}

ResultEnvelope Worker::bytes(std::string_view kind, std::uint32_t key, const Attempt& attempt) {
  return outcome_bytes(kind, key, attempt.fence, orders_.worker, 20 + random_() % 2000);
}

void Worker::note(What what, std::uint32_t key, std::string_view detail) {
  Event event;
  event.worker = orders_.worker;
  event.what = what;
  event.key = key;
  event.detail = detail;
  log_.add(std::move(event));
}

void Worker::note(What what, std::uint32_t key, const Attempt& attempt, std::string_view detail) {
  Event event;
  event.worker = orders_.worker;
  event.what = what;
  event.key = key;
  event.fence = attempt.fence;
  event.from = attempt.started_at.time_since_epoch().count();
  event.until = attempt.lease_end.value().time_since_epoch().count();
  event.detail = detail;
  log_.add(std::move(event));
}

void Worker::note_error(std::string_view call, std::uint32_t key, const StoreError& error) {
  note(What::error, key, error_detail(call, error));
}

}  // namespace nexus::idempotency::test
