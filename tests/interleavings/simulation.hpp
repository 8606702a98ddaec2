// SPDX-License-Identifier: MIT
#pragma once

// The real service, run by several callers over the store of store_model.hpp, with every port
// call a step that the explorer schedules, and a referee who watches.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interleavings/explorer.hpp"
#include "interleavings/fiber.hpp"
#include "interleavings/referee.hpp"
#include "interleavings/store_model.hpp"
#include "nexus/idempotency/service.hpp"

namespace interleavings {

class Simulation;

// What a script does things through. Each call is checked by the referee. Errors of the service
// are noted and end the call; they do not leave it.
class Caller {
 public:
  Caller(Simulation& simulation, std::size_t process)
      : simulation_(simulation), process_(process) {}

  std::pair<Call, std::optional<BeginDecision>> ask(std::string_view fingerprint);
  // Returns: the attempt if this caller is to execute.
  std::optional<Attempt> begin(std::string_view fingerprint = "request A");
  // The effect of the command itself, a step of its own.
  void work(const Attempt& attempt);
  // Returns: whether the outcome is settled, by an acknowledgement or a refusal; false: the store
  // gave no answer.
  bool complete(const Attempt& attempt, std::string_view result);
  bool fail(const Attempt& attempt, std::string_view failure = {});
  // Returns: the attempt with its new lease, or nothing if it was refused or there was no answer.
  std::optional<Attempt> renew(const Attempt& attempt);
  void purge(Duration grace = Duration{0});
  void pass(Duration time);  // time passes, as one step

  // Makes up a record; in a setup only.
  void seed(RecordStatus status, std::string_view fingerprint, std::optional<Duration> until,
            std::string_view result = {});
  // What the setup hands to the scripts.
  [[nodiscard]] std::optional<Attempt>& held();

 private:
  bool report(CallKind kind, const Attempt& attempt, std::string_view result);

  Simulation& simulation_;
  std::size_t process_;
};

using Script = std::function<void(Caller&)>;

struct Process {
  std::string name;
  Script script;
  // How often the answer to one of its writes may get lost: after the write, before it, or with
  // the write still under way, to arrive at any later time.
  int lost_answers = 0;
  bool may_stop = false;     // for ever, before any of its steps
  bool passes_time = false;  // it is the clock
  Duration clock_error{0};   // how far its own clock is ahead
};

// Makes the service that a scenario runs; broken ones for the proof that they would be noticed.
using ServiceFactory = std::function<std::unique_ptr<IdempotencyServiceInterface>(
    Simulation&, const IdempotencyPolicy&)>;

struct Scenario {
  std::string name;
  std::string bound{};  // what there could be more of; all else is exhaustive
  IdempotencyPolicy policy{};
  Script setup = [](Caller&) {};
  std::vector<Process> processes{};
  bool large = false;          // left out of a reduced run
  bool lagging_reads = false;  // the query port may return any earlier version
  StoreMutation mutation = StoreMutation::none;
  ServiceFactory service{};  // empty: the real one
};

// What all schedules of a scenario have shown.
struct Findings {
  std::uint64_t violating_schedules = 0;
  std::set<std::string> violations{};  // distinct ones
  std::string first_violation{};       // with its schedule
  // The distinct states that schedules end in, kept only if asked for.
  bool keep_final_states = false;
  std::set<std::string> final_states{};
};

class Simulation final : public Program {
 public:
  Simulation(Scenario scenario, bool keep_final_states = false);
  ~Simulation() override;

  // Program
  void start() override;
  void moves(std::vector<Move>& out) override;
  bool commute(Move a, Move b) override;
  bool is_free(std::uint32_t process) override;
  void make(Move move) override;
  void finish() override;
  void abandon() override;

  [[nodiscard]] const Findings& findings() const noexcept { return findings_; }
  [[nodiscard]] const Scenario& scenario() const noexcept { return scenario_; }

  // One port call of the process that runs: a scheduling point, then the call itself.
  // Errors: StoreErrc::in_doubt if the answer gets lost.
  Answer perform(const Op& op);
  Timestamp read_clock();

  // The ports that the service is given; `persist` may be wrapped.
  IdempotencyQuery& query();
  IdempotencyPersist& persist();
  IdempotencyClock& clock();
  // The call that runs now. Preconditions: one does.
  [[nodiscard]] const Call& call() const noexcept { return running_->call; }

 private:
  friend class Caller;
  class Ports;

  // How a step may go.
  enum Alternative : std::uint32_t { done, lost_after, lost_before, under_way, stops, version_0 };

  struct State {
    std::unique_ptr<Fiber> fiber;
    const Op* next = nullptr;  // the step that it stands before
    std::uint32_t chosen = done;
    bool stopped = false;
    int lost_left = 0;
    Call call;
    std::string told;  // what its calls came to, for the final state
    // A write whose answer was lost while it was under way; it is a process of its own.
    std::optional<Op> letter{};
    Call letter_of;
  };
  struct Line {
    std::size_t process;
    std::string_view what;
    std::string_view how;
  };

  [[nodiscard]] bool is_letter(std::size_t process) const noexcept {
    return process >= states_.size();
  }
  [[nodiscard]] State& sender(std::size_t process) { return states_[process - states_.size()]; }
  [[nodiscard]] const Op& op_of(std::uint32_t process);
  Answer act(const Op& op, const Call& call, std::uint32_t alternative);
  void run(State& state);
  void stop_everybody();
  void note(std::size_t process, std::string_view what, std::string_view how = {});
  [[nodiscard]] bool is_accounted_for(const Call& call, const StoreError& error) const;
  [[nodiscard]] std::string final_state() const;
  [[nodiscard]] std::string claimant(const AttemptToken& token) const;
  [[nodiscard]] std::string schedule() const;

  const Scenario scenario_;
  std::unique_ptr<Ports> ports_;
  std::unique_ptr<IdempotencyServiceInterface> service_;
  Referee referee_;
  Findings findings_;

  // Of the current schedule.
  Stored stored_;
  Timestamp now_;
  std::optional<Attempt> held_;
  std::vector<State> states_;  // one a process, and the last for the setup and the newcomers
  State* running_ = nullptr;
  bool scheduling_ = false;  // else steps are made at once: in the setup, and at the end
  bool an_answer_was_lost_ = false;
  bool stopping_ = false;                                          // every process is being unwound
  std::vector<std::pair<AttemptToken, std::uint64_t>> claimants_;  // by the id of the call
  std::vector<Line> lines_;
};

}  // namespace interleavings
