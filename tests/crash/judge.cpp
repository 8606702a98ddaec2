// SPDX-License-Identifier: MIT
#include "crash/judge.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>

#include "crash/commands.hpp"

namespace nexus::idempotency::test {
namespace {

using Place = std::size_t;  // in the log

// One attempt that executed, and what its owner reported and got acknowledged.
struct Execution {
  Place asked = 0;     // begin was called
  Place executed = 0;  // the effect
  std::int64_t from = 0;
  std::int64_t until = 0;  // with every acknowledged renewal
  std::optional<Place> complete_asked;
  std::optional<Place> fail_asked;
  std::optional<RecordStatus> status;  // acknowledged, and what with, and where
  std::string outcome;
  Place acknowledged = 0;
};

// One answer of begin.
struct Answer {
  Place asked = 0;
  Place given = 0;
  What what{};
  bool foreign = false;  // it was asked with another request's fingerprint
  std::string detail;
};

struct Command {
  std::map<std::uint64_t, Execution> executions;  // by fence
  std::vector<Answer> answers;
  // Outcomes that were sent to the store: by outcome and fence, where for the first time.
  std::map<std::string, std::map<std::uint64_t, Place>> reports;
};

constexpr bool is_question(What what) {
  return what <= What::ask_purge;
}

class Judge {
 public:
  Judgement run(const std::vector<Event>& events) {
    for (Place at = 0; at < events.size(); ++at) take(events[at], at);
    for (const auto& [worker, asked] : open_) {
      if (asked) ++out_.counts.cut_calls;
    }
    for (const auto& [number, command] : commands_) {
      number_ = number;
      leases(command);
      fences(command);
      final_answer(command);
    }
    return std::move(out_);
  }

 private:
  struct Question {
    Place at = 0;
    bool foreign = false;
  };

  void accuse(const std::string& what) {
    out_.violations.push_back("command " + std::to_string(number_) + ": " + what);
  }

  // --- first pass: line by line

  void take(const Event& event, Place at) {
    number_ = event.key;
    std::optional<Question>& open = open_[event.worker];
    if (is_question(event.what)) {
      open = Question{at, event.detail == "foreign"};
      if (event.what == What::ask_complete || event.what == What::ask_fail) report(event, at);
      return;
    }
    switch (event.what) {
      case What::executed:
      case What::replayed:
      case What::in_progress:
      case What::conflict:
      case What::retry_not_allowed:
        answer(event, at, open.value_or(Question{at, false}));
        break;
      case What::completed:
      case What::failed:
        acknowledge(event, at);
        break;
      case What::renewed:
        renew(event);
        break;
      case What::refused:
        refuse(event);
        break;
      case What::error:
      case What::fault:
        trouble(event);
        break;
      case What::started:
        ++out_.counts.workers;
        break;
      case What::crashes:
        ++out_.counts.own_crashes;
        break;
      case What::stuck:
        accuse("no final answer after the load");
        break;
      case What::server_ready:
        ++out_.counts.server_restarts;
        break;
      default:
        break;
    }
    if (event.what != What::fault) open.reset();  // after a fault the call may go on
  }

  void answer(const Event& event, Place at, Question question) {
    Command& command = commands_[event.key];
    command.answers.push_back({question.at, at, event.what, question.foreign, event.detail});
    Counts& counts = out_.counts;
    if (event.what == What::replayed) ++counts.replays;
    if (event.what == What::in_progress) ++counts.waits;
    if (event.what != What::executed) return;
    ++counts.executions;
    Execution execution;
    execution.asked = question.at;
    execution.executed = at;
    execution.from = event.from;
    execution.until = event.until;
    if (!command.executions.emplace(event.fence, execution).second) {
      accuse("two executions have one fence");
    }
  }

  Execution* execution_of(const Event& event) {
    Command& command = commands_[event.key];
    const auto found = command.executions.find(event.fence);
    if (found != command.executions.end()) return &found->second;
    accuse("an outcome without an execution");
    return nullptr;
  }

  void report(const Event& event, Place at) {
    Execution* const execution = execution_of(event);
    if (!execution) return;
    std::optional<Place>& first =
        event.what == What::ask_fail ? execution->fail_asked : execution->complete_asked;
    if (!first) first = at;
    commands_[event.key].reports[event.detail].emplace(event.fence, at);
  }

  void acknowledge(const Event& event, Place at) {
    const bool completed = event.what == What::completed;
    const RecordStatus status = completed ? RecordStatus::completed : RecordStatus::failed;
    ++(completed ? out_.counts.completed : out_.counts.failed);
    Execution* const execution = execution_of(event);
    if (!execution) return;
    if (execution->status && (execution->status != status || execution->outcome != event.detail)) {
      accuse("two outcomes of one attempt are acknowledged");
    }
    if (execution->status) return;
    execution->status = status;
    execution->outcome = event.detail;
    execution->acknowledged = at;
  }

  void renew(const Event& event) {
    ++out_.counts.renewed;
    if (Execution* const execution = execution_of(event)) {
      execution->until = std::max(execution->until, event.until);
    }
  }

  // A refusal is right only for a reason that can be.
  void refuse(const Event& event) {
    ++out_.counts.refusals;
    Execution* const execution = execution_of(event);
    if (!execution) return;
    const bool in_time = event.wall <= execution->until;
    const std::string_view reason =
        std::string_view(event.detail).substr(event.detail.find(':') + 1);
    if (reason == "superseded" || reason == "lease_expired") {
      // A failure that was reported before may have landed, and set another attempt free.
      if (in_time && !execution->fail_asked) accuse("refused within its lease: " + event.detail);
    } else if (reason == "missing") {
      if (event.wall <= execution->until + purge_grace.count()) {
        accuse("a record went missing before it could be purged");
      }
    } else if (reason == "not_open") {
      if (!execution->status) accuse("refused for an outcome that nobody reported");
    } else {
      accuse("refused without a reason: " + event.detail);
    }
  }

  void trouble(const Event& event) {
    Counts& counts = out_.counts;
    const auto has = [&](std::string_view code) {
      return event.detail.find(code) != std::string::npos;
    };
    if (event.what == What::error) {
      if (has(":in_doubt")) ++counts.in_doubt_told;
    } else if (has(":in_doubt")) {
      ++counts.in_doubt;
    } else if (has(":unavailable")) {
      ++counts.unavailable;
    } else if (has(":contended")) {
      ++counts.contended;
    } else if (has(":exhausted")) {
      ++counts.exhausted;
    }
    if (!has(":in_doubt") && !has(":unavailable") && !has(":contended") && !has(":exhausted")) {
      accuse("an error that no crash explains: " + event.detail);
    }
  }

  // --- second pass: command by command

  // At most one execution a lease: each begins after the one before it has lost its lease, by the
  // stored deadline, or has reported a failure and may be tried again.
  void leases(const Command& command) {
    const Execution* before = nullptr;
    for (const auto& [fence, execution] : command.executions) {
      if (before) {
        const bool by_lapse = execution.from > before->until;
        const bool by_failure = retry_allowed(number_) && before->fail_asked &&
                                *before->fail_asked < execution.executed;
        if (by_failure) {
          ++out_.counts.retries;
        } else if (by_lapse) {
          ++out_.counts.takeovers;
        } else {
          accuse("executed within the lease of another execution, fence " + std::to_string(fence));
        }
      }
      before = &execution;
    }
  }

  // Whoever begins after an execution has the greater fence.
  void fences(const Command& command) {
    for (const auto& [fence, execution] : command.executions) {
      for (const auto& [other_fence, other] : command.executions) {
        if (other.executed < execution.asked && other_fence >= fence) {
          accuse("a fence does not grow: " + std::to_string(fence));
        }
      }
    }
  }

  // A result stands once it is acknowledged or replayed, and so does a failure that forbids a
  // retry: whoever asks afterwards gets it, and no attempt comes after the one that reported it.
  void final_answer(const Command& command) {
    std::optional<Settled> settled;
    Place since = 0;
    const auto settle = [&](const Settled& answer, Place at) {
      if (!settled) since = at;
      if (settled && *settled != answer) {
        accuse("two final answers: " + settled->outcome + " and " + answer.outcome);
      }
      if (!command.executions.empty() && command.executions.rbegin()->first > answer.fence) {
        accuse("executed again after the final answer " + answer.outcome);
      }
      settled = answer;
      since = std::min(since, at);
    };
    for (const auto& [fence, execution] : command.executions) {
      if (execution.status == RecordStatus::completed ||
          (execution.status == RecordStatus::failed && !retry_allowed(number_))) {
        settle({*execution.status, fence, execution.outcome}, execution.acknowledged);
      }
    }
    for (const Answer& answer : command.answers) {
      const bool replay = answer.what == What::replayed;
      if (!replay && answer.what != What::retry_not_allowed) continue;
      const std::optional<std::uint64_t> fence = reporter_of(command, answer);
      if (!fence) {
        accuse("answered with an outcome that nobody had reported: " + answer.detail);
        continue;
      }
      settle({replay ? RecordStatus::completed : RecordStatus::failed, *fence, answer.detail},
             answer.given);
    }
    for (const Answer& answer : command.answers) {
      check(answer);
      if (settled && answer.asked > since) check_final(answer, settled->status);
    }
    if (settled) out_.settled.emplace(number_, *settled);
  }

  // Returns: the fence of the attempt that reported what was answered. Outcomes without bytes look
  // alike: of those who had reported it, it was the last, as it ended what came before.
  static std::optional<std::uint64_t> reporter_of(const Command& command, const Answer& answer) {
    const auto found = command.reports.find(answer.detail);
    if (found == command.reports.end()) return std::nullopt;
    std::optional<std::uint64_t> last;
    for (const auto& [fence, at] : found->second) {
      if (at < answer.given) last = fence;
    }
    return last;
  }

  void check(const Answer& answer) {
    // The other fingerprint is only tried on commands that have a final answer.
    if (answer.foreign != (answer.what == What::conflict)) accuse("a conflict is misjudged");
    if (answer.what == What::retry_not_allowed && retry_allowed(number_)) {
      accuse("a retry is refused though the policy allows it");
    }
  }

  void check_final(const Answer& answer, RecordStatus status) {
    const What right = status == RecordStatus::completed ? What::replayed : What::retry_not_allowed;
    if (!answer.foreign && answer.what != right) {
      accuse("asked after the final answer, got " + std::string(to_string(answer.what)));
    }
  }

  std::uint32_t number_ = 0;                               // the command that is looked at
  std::map<std::uint32_t, std::optional<Question>> open_;  // by worker: the call it is in
  std::map<std::uint32_t, Command> commands_;
  Judgement out_;
};

}  // namespace

Judgement judge(const std::vector<Event>& events) {
  return Judge{}.run(events);
}

std::vector<std::string> compare(const Judgement& judgement, const Answers& stored,
                                 std::uint32_t keys) {
  std::vector<std::string> violations;
  const auto accuse = [&](std::uint32_t number, const std::string& what) {
    violations.push_back("command " + std::to_string(number) + ": " + what);
  };
  for (const auto& [number, answer] : judgement.settled) {
    const auto found = stored.find(number);
    if (found == stored.end()) {
      accuse(number, "its record is lost: " + answer.outcome);
    } else if (found->second != answer) {
      accuse(number, "its record is " + std::string(to_string(found->second.status)) + " " +
                         found->second.outcome + " and not " + answer.outcome);
    }
  }
  for (std::uint32_t number = 0; number < keys; ++number) {
    if (!judgement.settled.count(number)) accuse(number, "left without a final answer");
  }
  return violations;
}

std::string to_string(const Counts& counts) {
  std::ostringstream out;
  out << "  workers " << counts.workers << ", killed inside of calls " << counts.cut_calls
      << ", crashed by themselves " << counts.own_crashes << ", server restarts "
      << counts.server_restarts << "\n  executions " << counts.executions << ", takeovers "
      << counts.takeovers << ", retries after a failure " << counts.retries
      << "\n  acknowledged: completed " << counts.completed << ", failed " << counts.failed
      << ", renewed " << counts.renewed << "; refused as too late " << counts.refusals
      << "\n  replays " << counts.replays << ", in progress " << counts.waits
      << "\n  from the store: in doubt " << counts.in_doubt << ", unavailable "
      << counts.unavailable << ", contended " << counts.contended << ", exhausted "
      << counts.exhausted << "; in doubt from the service " << counts.in_doubt_told << "\n";
  return out.str();
}

}  // namespace nexus::idempotency::test
