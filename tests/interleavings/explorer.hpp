// SPDX-License-Identifier: MIT
#pragma once

// Runs a program of several processes under every schedule, depth first: the program is started
// again for each schedule, led along the moves of the last one up to the deepest point where a
// move is left untried, and from there on takes the first untried move each time.
//
// With the reduction, of all schedules that differ only in the order of moves that commute, one is
// run. It uses sleep sets (Godefroid 1996): a move that has been tried at a point is not tried
// again below its siblings as long as only moves that commute with it have been made. Nothing is
// bounded and nothing is sampled: what is not run is the same as something that was.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace interleavings {

// One step of one process. Where a step may go several ways (an answer may get lost, the process
// may stop for ever) each way is a move. A move keeps its number until its process has moved.
struct Move {
  std::uint32_t process;
  std::uint32_t alternative;

  friend bool operator==(const Move&, const Move&) = default;
};

// What is explored. It must behave the same when it is led along the same moves.
class Program {
 public:
  virtual ~Program() = default;

  // Effects: forgets the last schedule; every process stands before its first step.
  virtual void start() = 0;

  // Effects: appends every move that is possible now; none: the schedule is at its end.
  virtual void moves(std::vector<Move>& out) = 0;

  // Returns: whether a and b, of two processes and both possible now, do the same to the program
  // in either order, and to all that is checked about it; each must leave the other possible.
  virtual bool commute(Move a, Move b) = 0;

  // Returns: whether all that `process` can do now commutes with all that the others can do, now
  // and at any time later. No other process needs to be tried here then.
  virtual bool is_free(std::uint32_t process) = 0;

  virtual void make(Move move) = 0;

  // Effects: checks a schedule that has come to its end.
  virtual void finish() = 0;

  // Effects: lets go of a schedule whose continuations have all been run in another order.
  virtual void abandon() = 0;
};

enum class Reduction { none, commuting_moves };

struct Exploration {
  std::uint64_t schedules = 0;  // run to their end
  std::uint64_t abandoned = 0;  // begun, and found to be one of those
  std::uint64_t moves = 0;
};

// Returns: when every schedule has been run, or is equivalent to one that has been.
inline Exploration explore(Program& program, Reduction reduction) {
  struct Point {
    std::vector<Move> untried;  // from `next` on; those before have been tried
    std::size_t next = 0;
    std::vector<Move> asleep;  // need not be tried here
  };
  Exploration done;
  std::vector<Point> path;
  std::vector<Move> possible;

  // What sleeps after the current move of `point`. The program stands at that point.
  const auto asleep_after = [&](const Point& point) {
    std::vector<Move> asleep;
    if (reduction == Reduction::none) return asleep;
    const Move move = point.untried[point.next];
    const auto keep = [&](Move other) {
      if (other.process != move.process && program.commute(other, move)) asleep.push_back(other);
    };
    for (const Move other : point.asleep) keep(other);
    for (std::size_t i = 0; i < point.next; ++i) keep(point.untried[i]);
    return asleep;
  };
  const auto make = [&](Move move) {
    program.make(move);
    ++done.moves;
  };

  do {
    program.start();
    std::vector<Move> asleep;
    for (std::size_t depth = 0; depth < path.size(); ++depth) {
      const Point& point = path[depth];
      if (depth + 1 == path.size()) asleep = asleep_after(point);
      make(point.untried[point.next]);
    }
    for (;;) {
      possible.clear();
      program.moves(possible);
      if (possible.empty()) {
        ++done.schedules;
        program.finish();
        break;
      }
      if (reduction == Reduction::commuting_moves) {
        const auto free = std::find_if(possible.begin(), possible.end(),
                                       [&](Move m) { return program.is_free(m.process); });
        if (free != possible.end()) {
          const std::uint32_t process = free->process;
          std::erase_if(possible, [&](Move m) { return m.process != process; });
        }
      }
      std::erase_if(possible, [&](Move m) {
        return std::find(asleep.begin(), asleep.end(), m) != asleep.end();
      });
      if (possible.empty()) {
        ++done.abandoned;
        program.abandon();
        break;
      }
      path.push_back({possible, 0, std::move(asleep)});
      asleep = asleep_after(path.back());
      make(possible.front());
    }
    while (!path.empty() && ++path.back().next == path.back().untried.size()) path.pop_back();
  } while (!path.empty());
  return done;
}

}  // namespace interleavings
