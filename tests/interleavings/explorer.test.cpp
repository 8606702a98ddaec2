// SPDX-License-Identifier: MIT
#include "interleavings/explorer.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "interleavings/fiber.hpp"
#include "support/catch.hpp"

using namespace interleavings;

namespace {

// Processes whose steps each write their own name to a variable, or read it. What a process has
// read, and what the variables hold at the end, is the final state.
struct Access {
  char variable;
  bool write;
};

class Toy final : public Program {
 public:
  // Each step may be any of `ways` alternatives, which do the same and count apart.
  explicit Toy(std::vector<std::vector<Access>> processes, std::uint32_t ways = 1)
      : processes_(std::move(processes)), ways_(ways) {}

  void start() override {
    done_.assign(processes_.size(), 0);
    read_.assign(processes_.size(), "");
    memory_.clear();
  }
  void moves(std::vector<Move>& out) override {
    for (std::uint32_t p = 0; p < processes_.size(); ++p) {
      if (done_[p] == processes_[p].size()) continue;
      for (std::uint32_t way = 0; way < ways_; ++way) out.push_back({p, way});
    }
  }
  bool commute(Move a, Move b) override {
    const Access& one = next(a.process);
    const Access& other = next(b.process);
    return one.variable != other.variable || (!one.write && !other.write);
  }
  bool is_free(std::uint32_t process) override { return next(process).variable == '-'; }
  void make(Move move) override {
    const Access& access = next(move.process);
    if (access.write) {
      memory_[access.variable] += std::to_string(move.process);
    } else {
      read_[move.process] += "[" + memory_[access.variable] + "]";
    }
    read_[move.process] += std::to_string(move.alternative);
    ++done_[move.process];
  }
  void finish() override {
    std::string state;
    for (const std::string& read : read_) state += read + ";";
    for (const auto& [variable, value] : memory_) state += variable + value + ";";
    ends.insert(state);
  }
  void abandon() override {}

  std::set<std::string> ends;

 private:
  const Access& next(std::size_t process) const { return processes_[process][done_[process]]; }

  std::vector<std::vector<Access>> processes_;
  std::uint32_t ways_;
  std::vector<std::size_t> done_;
  std::vector<std::string> read_;
  std::map<char, std::string> memory_;
};

std::uint64_t schedules(Toy toy, Reduction reduction) {
  return explore(toy, reduction).schedules;
}

std::vector<Access> writes(char variable, std::size_t times) {
  return std::vector<Access>(times, Access{variable, true});
}
std::vector<Access> reads(char variable, std::size_t times) {
  return std::vector<Access>(times, Access{variable, false});
}

}  // namespace

TEST_CASE("without the reduction every interleaving is run") {
  CHECK(schedules(Toy({writes('x', 3), writes('y', 4)}), Reduction::none) == 35);  // 7!/(3!4!)
  CHECK(schedules(Toy({writes('x', 2), writes('x', 2), writes('x', 2)}), Reduction::none) == 90);
  CHECK(schedules(Toy({writes('x', 2), writes('y', 1)}, 2), Reduction::none) == 3 * 8);
  CHECK(schedules(Toy({}), Reduction::none) == 1);
}

TEST_CASE("with the reduction, steps that commute are run in one order") {
  const auto reduced = Reduction::commuting_moves;
  CHECK(schedules(Toy({writes('x', 3), writes('y', 4)}), reduced) == 1);
  CHECK(schedules(Toy({reads('x', 3), reads('x', 4)}), reduced) == 1);
  CHECK(schedules(Toy({writes('x', 3), writes('x', 4)}), reduced) == 35);  // none commute
  CHECK(schedules(Toy({writes('x', 1), reads('x', 1), reads('x', 1)}), reduced) == 4);
  CHECK(schedules(Toy({writes('x', 2), writes('y', 1)}, 2), reduced) == 8);  // the ways remain
}

TEST_CASE("the reduced search reaches every end that the full one reaches") {
  const std::vector<std::vector<std::vector<Access>>> programs = {
      {{{'x', true}, {'y', false}}, {{'y', true}, {'x', false}}},
      {{{'x', true}, {'y', true}}, {{'x', false}, {'y', false}}, {{'y', true}, {'x', true}}},
      {{{'-', false}, {'x', true}}, {{'x', false}, {'-', false}, {'x', true}}, reads('x', 2)},
      {{{'x', false}, {'x', true}}, {{'x', false}, {'x', true}}, {{'x', false}, {'x', true}}},
      {{{'a', true}, {'b', false}, {'c', true}},
       {{'b', true}, {'c', false}, {'a', true}},
       {{'c', true}, {'a', false}}},
  };
  for (const auto& program : programs) {
    for (const std::uint32_t ways : {1U, 2U}) {
      Toy full(program, ways);
      Toy reduced(program, ways);
      const Exploration all = explore(full, Reduction::none);
      const Exploration fewer = explore(reduced, Reduction::commuting_moves);
      CHECK(reduced.ends == full.ends);
      CHECK(fewer.schedules < all.schedules);
      CHECK(fewer.schedules >= reduced.ends.size());
      CHECK(all.abandoned == 0);
    }
  }
}

TEST_CASE("a process that is free is not interleaved at all") {
  Toy toy({reads('-', 5), reads('-', 5), reads('-', 5)});
  const Exploration done = explore(toy, Reduction::commuting_moves);
  CHECK(done.schedules == 1);
  CHECK(done.abandoned == 0);
  CHECK(done.moves == 15);
}

TEST_CASE("a fiber stops and goes on, and is used again") {
  Fiber fiber;
  for (int round = 0; round < 3; ++round) {
    std::vector<int> seen;
    fiber.start([&] {
      for (int i = 0; i < 3; ++i) {
        seen.push_back(i);
        fiber.suspend();
      }
    });
    for (std::size_t i = 1; i <= 3; ++i) {
      fiber.resume();
      CHECK(seen.size() == i);
      CHECK_FALSE(fiber.finished());
    }
    fiber.resume();
    CHECK(fiber.finished());
  }
}

TEST_CASE("exceptions of fibers that stop inside their handlers do not get mixed up") {
  Fiber first;
  Fiber second;
  std::string said;
  const auto body = [&said](Fiber& fiber, std::string name) {
    return [&said, &fiber, name] {
      try {
        throw std::runtime_error(name);
      } catch (const std::runtime_error&) {
        fiber.suspend();
        try {
          throw;  // the one that this fiber is handling, not the latest of the thread
        } catch (const std::runtime_error& error) {
          said += error.what();
        }
      }
    };
  };
  first.start(body(first, "first "));
  second.start(body(second, "second "));
  first.resume();
  second.resume();
  CHECK(std::current_exception() == nullptr);
  first.resume();
  second.resume();
  CHECK(said == "first second ");
}
