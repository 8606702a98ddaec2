// SPDX-License-Identifier: MIT
#include "interleavings/simulation.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace interleavings {
namespace {

// Thrown out of a port call to unwind a process that will not go on.
struct Unwind {};

constexpr Timestamp beginning{std::chrono::sys_days{std::chrono::year{2024} / 1 / 1}};

bool is_call_of_store(OpKind kind) {
  return kind != OpKind::read_clock && kind != OpKind::advance_clock && kind != OpKind::work;
}

}  // namespace

class Simulation::Ports final : public IdempotencyStore, public IdempotencyClock {
 public:
  explicit Ports(Simulation& simulation) : simulation_(simulation) {}

  std::optional<IdempotencyRecord> find(const IdempotencyKey&) override {
    return simulation_.perform({OpKind::find}).seen;
  }
  ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    if (simulation_.scenario_.mutation == StoreMutation::split_claim) {
      if (Answer there = simulation_.perform({OpKind::peek}); there.seen) return {there.seen};
      simulation_.perform({OpKind::put, candidate});
      return {};
    }
    return {simulation_.perform({OpKind::claim, candidate}).seen};
  }
  bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override {
    return simulation_.perform({OpKind::save_if, next, guard}).changed;
  }
  std::size_t purge_expired(Timestamp before, std::size_t) override {
    if (simulation_.scenario_.mutation == StoreMutation::split_purge) {
      const Stored there = simulation_.perform({OpKind::peek}).seen;
      if (!there || !there->expires_at || !(*there->expires_at < before)) return 0;
      return simulation_.perform({OpKind::remove, {}, {}, before}).changed ? 1 : 0;
    }
    return simulation_.perform({OpKind::purge, {}, {}, before}).changed ? 1 : 0;
  }
  Timestamp now() override { return simulation_.read_clock(); }

 private:
  Simulation& simulation_;
};

Simulation::Simulation(Scenario scenario, bool keep_final_states)
    : scenario_(std::move(scenario)),
      ports_(std::make_unique<Ports>(*this)),
      referee_(scenario_.policy, scenario_.lagging_reads),
      states_(scenario_.processes.size() + 1) {
  findings_.keep_final_states = keep_final_states;
  service_ = scenario_.service
                 ? scenario_.service(*this, scenario_.policy)
                 : std::make_unique<IdempotencyService>(*ports_, *ports_, scenario_.policy);
  for (std::size_t i = 0; i < scenario_.processes.size(); ++i) {
    states_[i].fiber = std::make_unique<Fiber>();
  }
}

Simulation::~Simulation() = default;

IdempotencyQuery& Simulation::query() {
  return *ports_;
}
IdempotencyPersist& Simulation::persist() {
  return *ports_;
}
IdempotencyClock& Simulation::clock() {
  return *ports_;
}

// The program that is explored ----------------------------------------------------------------

void Simulation::start() {
  stored_.reset();
  now_ = beginning;
  held_.reset();
  an_answer_was_lost_ = false;
  claimants_.clear();
  lines_.clear();
  referee_.restart();
  for (State& state : states_) {
    state.next = nullptr;
    state.stopped = false;
    state.call = Call{};
    state.told.clear();
    state.letter.reset();
  }

  const std::size_t nobody = scenario_.processes.size();
  scheduling_ = false;
  running_ = &states_[nobody];
  Caller setup(*this, nobody);
  scenario_.setup(setup);

  scheduling_ = true;
  for (std::size_t i = 0; i < nobody; ++i) {
    states_[i].lost_left = scenario_.processes[i].lost_answers;
    states_[i].fiber->start([this, i] {
      try {
        Caller caller(*this, i);
        scenario_.processes[i].script(caller);
      } catch (const Unwind&) {
      } catch (const std::exception&) {
        referee_.unexpected("a call threw what it must not throw");
      }
    });
    run(states_[i]);  // up to its first step
  }
}

void Simulation::run(State& state) {
  running_ = &state;
  state.fiber->resume();
  running_ = nullptr;
}

const Op& Simulation::op_of(std::uint32_t process) {
  return is_letter(process) ? *sender(process).letter : *states_[process].next;
}

void Simulation::moves(std::vector<Move>& out) {
  for (std::uint32_t i = 0; i < scenario_.processes.size(); ++i) {
    const State& state = states_[i];
    if (state.stopped || state.fiber->finished()) continue;
    const OpKind kind = state.next->kind;
    if (kind == OpKind::find && scenario_.lagging_reads) {
      const std::size_t versions = referee_.history().size();
      for (std::uint32_t v = 0; v < versions; ++v) out.push_back({i, version_0 + v});
    } else {
      out.push_back({i, done});
    }
    if (state.lost_left > 0 && (kind == OpKind::claim || kind == OpKind::save_if)) {
      out.push_back({i, lost_after});
      out.push_back({i, lost_before});
      if (!state.letter) out.push_back({i, under_way});
    }
    if (scenario_.processes[i].may_stop) out.push_back({i, stops});
  }
  for (std::uint32_t i = 0; i < scenario_.processes.size(); ++i) {
    if (states_[i].letter) out.push_back({static_cast<std::uint32_t>(states_.size()) + i, done});
  }
}

bool Simulation::commute(Move a, Move b) {
  if (a.alternative == stops || b.alternative == stops) return true;
  const Op& one = op_of(a.process);
  const Op& other = op_of(b.process);
  const auto either = [&](OpKind kind) { return one.kind == kind || other.kind == kind; };
  if (either(OpKind::work)) {
    // Its place among the answers of the others matters to the referee; their readings of the
    // clock change nothing and are no answers that anybody acts on.
    return either(OpKind::read_clock);
  }
  if (!is_call_of_store(one.kind) || !is_call_of_store(other.kind)) {
    const bool both = !is_call_of_store(one.kind) && !is_call_of_store(other.kind);
    return !both || one.kind == other.kind;  // time passing against a reading of it
  }
  // Two calls of the store: done in both orders, do they do and answer the same?
  const auto effect = [&](Move move, const Op& op, Stored& stored) -> Answer {
    if (move.alternative == lost_before || move.alternative == under_way) return {};
    if (move.alternative >= version_0) return {};  // what it sees is in the past
    Answer answer = apply(op, stored, scenario_.mutation);
    return move.alternative == lost_after || is_letter(move.process) ? Answer{} : answer;
  };
  Stored forth = stored_;
  Stored back = stored_;
  const Answer one_first = effect(a, one, forth);
  const Answer other_second = effect(b, other, forth);
  const Answer other_first = effect(b, other, back);
  const Answer one_second = effect(a, one, back);
  return forth == back && one_first == one_second && other_first == other_second;
}

bool Simulation::is_free(std::uint32_t process) {
  if (is_letter(process) || states_[process].next->kind != OpKind::read_clock) return false;
  for (std::size_t i = 0; i < scenario_.processes.size(); ++i) {
    if (scenario_.processes[i].passes_time && !states_[i].fiber->finished()) return false;
  }
  return true;
}

void Simulation::make(Move move) {
  if (is_letter(move.process)) {
    State& state = sender(move.process);
    const Op op = *std::exchange(state.letter, std::nullopt);
    lines_.push_back({move.process - states_.size(), to_string(op.kind), "arrives late"});
    act(op, state.letter_of, done);
  } else {
    State& state = states_[move.process];
    static constexpr std::string_view how[] = {"", "answer lost, was done", "answer lost, not done",
                                               "answer lost, under way", "stops for ever"};
    note(
        move.process, to_string(state.next->kind),
        move.alternative < version_0 ? how[move.alternative] : "an earlier version, or the newest");
    if (move.alternative == stops) {
      state.stopped = true;
    } else {
      state.chosen = move.alternative;
      run(state);
    }
  }
  referee_.look(now_);
}

Answer Simulation::perform(const Op& op) {
  if (stopping_) throw Unwind{};
  State& self = *running_;
  std::uint32_t how = done;
  if (scheduling_) {
    self.next = &op;
    self.fiber->suspend();
    if (stopping_) throw Unwind{};
    how = std::exchange(self.chosen, done);
  }
  const bool lost = how == lost_after || how == lost_before || how == under_way;
  if (lost) {
    --self.lost_left;
    ++self.call.lost_answers;
    an_answer_was_lost_ = true;
  }
  if (op.kind == OpKind::find) self.call.searched = true;
  if (op.record) self.call.looked = false;
  Answer answer;
  if (how == under_way) {
    self.letter = op;
    self.letter_of = self.call;
  } else if (how != lost_before) {
    answer = act(op, self.call, how);
  }
  if (lost) throw StoreError(StoreErrc::in_doubt, "the answer was lost");
  return answer;
}

Answer Simulation::act(const Op& op, const Call& call, std::uint32_t alternative) {
  if (op.kind == OpKind::advance_clock) now_ += op.advance;
  if (!is_call_of_store(op.kind)) return {};
  if (alternative >= version_0) return {false, referee_.history()[alternative - version_0].record};
  const Answer answer = apply(op, stored_, scenario_.mutation);
  if (answer.changed) {
    referee_.wrote(call, op, stored_);
    if (stored_ && call.kind == CallKind::begin) {
      claimants_.emplace_back(stored_->attempt_token, call.id);
    }
  }
  return answer;
}

Timestamp Simulation::read_clock() {
  perform({OpKind::read_clock});
  const auto process = static_cast<std::size_t>(running_ - states_.data());
  const Timestamp shown =
      process < scenario_.processes.size() ? now_ + scenario_.processes[process].clock_error : now_;
  Call& call = running_->call;
  if (!call.first_reading) call.first_reading = shown;
  call.last_reading = shown;
  call.looked = true;
  return shown;
}

}  // namespace interleavings
