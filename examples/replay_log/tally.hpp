// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_EXAMPLES_REPLAY_LOG_TALLY_HPP
#define NEXUS_IDEMPOTENCY_EXAMPLES_REPLAY_LOG_TALLY_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <nexus/idempotency/key.hpp>
#include <ostream>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ledger.hpp"

namespace replay_log {

// How a delivery ended, the weightiest first: a request that is delivered several times at once
// counts as the weightiest of its deliveries' outcomes.
enum class Outcome { executed, failed, refused, conflict, replayed, in_progress };
inline constexpr std::array<std::string_view, 6> outcome_names = {
    "executed", "failed", "refused", "conflict", "replayed", "in progress"};

inline std::string_view to_string(Outcome outcome) {
  return outcome_names[static_cast<std::size_t>(outcome)];
}

class Counts {
 public:
  void add(Outcome outcome) { ++counts_[static_cast<std::size_t>(outcome)]; }
  std::size_t of(Outcome outcome) const { return counts_[static_cast<std::size_t>(outcome)]; }

  // Such as "1 executed, 3 in progress".
  friend std::ostream& operator<<(std::ostream& out, const Counts& counts) {
    const char* separator = "";
    for (std::size_t i = 0; i < outcome_names.size(); ++i) {
      if (counts.counts_[i] == 0) continue;
      out << separator << counts.counts_[i] << ' ' << outcome_names[i];
      separator = ", ";
    }
    return out;
  }

 private:
  std::array<std::size_t, outcome_names.size()> counts_{};
};

// What has become of the requests so far.
class Tally {
 public:
  struct Entry {
    Outcome outcome;
    std::size_t attempt;  // the client's first, second, ... request with this key
  };

  // Preconditions: `deliveries` is not empty.
  Entry add(const nexus::idempotency::IdempotencyKey& key, const std::vector<Outcome>& deliveries) {
    Entry& latest = latest_.try_emplace(key, Entry{Outcome::in_progress, 0}).first->second;
    if (latest.outcome == Outcome::failed) ++retried_;
    latest.outcome = *std::min_element(deliveries.begin(), deliveries.end());
    ++latest.attempt;
    requests_.add(latest.outcome);
    ++total_;
    return latest;
  }

  // One line. What is unusual is named only where it happened.
  void print_summary(std::ostream& out, const Ledger& ledger) const {
    out << total_ << " requests, " << latest_.size() << " keys: " << ledger.executed()
        << " executed, " << requests_.of(Outcome::replayed) << " replayed, " << retried_
        << " failed and retried, ";
    print_unless_zero(out, requests_.of(Outcome::failed) - retried_, " failed and not retried, ");
    print_unless_zero(out, requests_.of(Outcome::refused), " refused, ");
    print_unless_zero(out, requests_.of(Outcome::conflict), " in conflict, ");
    print_unless_zero(out, requests_.of(Outcome::in_progress), " in progress, ");
    print_unless_zero(out, ledger.wrong_replays(), " replayed wrongly, ");
    out << ledger.executed_twice() << " executed twice\n";
  }

 private:
  static void print_unless_zero(std::ostream& out, std::size_t count, const char* text) {
    if (count > 0) out << count << text;
  }

  std::unordered_map<nexus::idempotency::IdempotencyKey, Entry> latest_;
  Counts requests_;
  std::size_t total_ = 0;
  std::size_t retried_ = 0;
};

}  // namespace replay_log

#endif  // NEXUS_IDEMPOTENCY_EXAMPLES_REPLAY_LOG_TALLY_HPP
