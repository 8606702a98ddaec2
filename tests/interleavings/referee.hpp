// SPDX-License-Identifier: MIT
#pragma once

// Watches one schedule and says which of the guarantees were broken in it. It knows what the
// callers were told and what each call did to the stored record, and nothing of how the service
// comes to its answers.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "interleavings/store_model.hpp"
#include "nexus/idempotency/attempt.hpp"
#include "nexus/idempotency/decision.hpp"
#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/policy.hpp"

namespace interleavings {

enum class CallKind { none, begin, complete, fail, renew, purge };

// What an attempt is reported to have come to.
struct Outcome {
  RecordStatus status = RecordStatus::completed;
  std::optional<ResultEnvelope> result{};

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// One call of the service, while it runs and after it.
struct Call {
  CallKind kind = CallKind::none;
  std::uint64_t id = 0;
  std::optional<RequestFingerprint> fingerprint{};  // begin
  std::optional<Attempt> attempt{};                 // complete, fail, renew
  Outcome outcome{};                                // complete, fail
  std::size_t first_version = 0;                    // the record that it found at its start
  std::optional<Timestamp> first_reading{};         // of the clock
  std::optional<Timestamp> last_reading{};
  int lost_answers = 0;
  bool looked = false;    // at the clock, since its last write
  bool searched = false;  // has asked the query port
};

struct Violation {
  std::string_view guarantee;
  std::string_view what;
};

[[nodiscard]] inline bool over(const std::optional<Timestamp>& deadline, Timestamp now) {
  return deadline.has_value() && now > *deadline;
}
[[nodiscard]] inline bool is_terminal(RecordStatus status) {
  return status == RecordStatus::completed || status == RecordStatus::failed;
}

class Referee {
 public:
  // `lagging`: the query port may return any earlier version of the record.
  Referee(const IdempotencyPolicy& policy, bool lagging) : policy_(policy), lagging_(lagging) {}

  // Effects: forgets everything; there is no record.
  void restart();

  // Effects: `record` is there from now on, whoever wrote it.
  void seed(const Stored& record) { history_.push_back({record, 0}); }

  // The record after each write, from none at all on.
  struct Version {
    Stored record{};
    std::uint64_t claimed_by = 0;  // the call that put the token into it
  };
  [[nodiscard]] const std::vector<Version>& history() const noexcept { return history_; }
  [[nodiscard]] const std::vector<Violation>& violations() const noexcept { return violations_; }

  // Calls begin and end. Each `..._answered` ends the call.
  [[nodiscard]] Call begins(const RequestFingerprint& fingerprint);
  [[nodiscard]] Call begins(CallKind kind, const Attempt& attempt, Outcome outcome = {});
  void answered(const Call& call, const BeginDecision& decision);
  void acknowledged(const Call& call);
  void renewed(const Call& call, const Attempt& attempt);
  void refused(const Call& call, CompletionFailure reason);
  // An error that leaves the caller not knowing, such as StoreErrc::in_doubt.
  void unanswered(const Call& call);

  // A call ended in a way that nothing in the scenario accounts for.
  void unexpected(std::string_view what) { violated("answer", what); }

  // What happens in between. `after` is the record that `op` of `call` has left behind.
  void wrote(const Call& call, const Op& op, const Stored& after);
  void works(const Attempt& attempt, Timestamp now);
  // After every step: who is at work now?
  void look(Timestamp now);

  // At the end of a schedule, when everybody has finished or stopped for ever.
  // `an_answer_was_lost`: the store has not answered everyone.
  void settle(bool an_answer_was_lost);
  // Afterwards: what a newcomer is told once every lease has ended.
  void newcomer(const Call& call, const BeginDecision& decision);

 private:
  struct Report {
    Outcome outcome;
    bool acknowledged = false;
    std::optional<Timestamp> stands_until{};  // of an acknowledged one; nullopt: for ever
    bool answered = false;
    bool in_doubt = false;  // its caller knows nothing, and may report the same again
  };
  struct Execution {
    Attempt attempt;
    bool at_work = false;
    std::vector<Report> reports{};
  };

  void violated(std::string_view guarantee, std::string_view what) {
    violations_.push_back({guarantee, what});
  }
  Execution* execution_of(const AttemptToken& token);
  Report& report_of(const Call& call);
  void check_claim(const Call& call, const Op& op, const IdempotencyRecord& after);
  void check_fence(const Call& call, const IdempotencyRecord& after);
  void check_report(const Call& call, const IdempotencyRecord& after);
  [[nodiscard]] Timestamp earliest_end(const Call& call) const;
  void check_replay(const Call& call, const Replay& replay);
  // Returns: whether `predicate` is true of the record after some write, from that version on.
  template <class Predicate>
  bool some_version(std::size_t from, Predicate predicate) const {
    return std::any_of(history_.begin() + static_cast<std::ptrdiff_t>(from), history_.end(),
                       [&](const Version& version) { return predicate(version.record); });
  }

  const IdempotencyPolicy policy_;
  const bool lagging_;
  std::uint64_t calls_ = 0;
  std::vector<Version> history_;
  std::vector<Execution> executions_;
  std::vector<ResultEnvelope> replayed_;
  bool a_result_ended_ = false;  // some completed record was taken over or purged after its TTL
  std::vector<Violation> violations_;
};

}  // namespace interleavings
