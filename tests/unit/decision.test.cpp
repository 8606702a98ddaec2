// SPDX-License-Identifier: MIT
#include "nexus/idempotency/decision.hpp"

#include <optional>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/service_world.hpp"

namespace nexus::idempotency::test {
namespace {

const AttemptToken mine{"my-token"};
const AttemptToken theirs{"their-token"};
constexpr Timestamp deadline = start;

IdempotencyRecord record(RecordStatus status, const AttemptToken& token,
                         std::optional<Timestamp> expires_at) {
  return {.key = key(),
          .status = status,
          .fingerprint = fingerprint(),
          .attempt_token = token,
          .fence = 1,
          .result = std::nullopt,
          .created_at = start - 1h,
          .last_transition_at = start - 1h,
          .expires_at = expires_at};
}

struct Row {
  const char* what;
  RecordStatus status;
  const AttemptToken* token;
  bool lapsed;
  bool retry_allowed;
  Verdict same_fingerprint;
  Verdict other_fingerprint;
};

const std::vector<Row>& table() {
  using enum RecordStatus;
  using V = Verdict;
  static const std::vector<Row> rows{
      {"pending, own token", pending, &mine, false, true, V::own_claim, V::conflict},
      {"pending", pending, &theirs, false, true, V::in_progress, V::conflict},
      {"pending, no retry", pending, &theirs, false, false, V::in_progress, V::conflict},
      {"completed", completed, &theirs, false, true, V::replay, V::conflict},
      {"completed, own token", completed, &mine, false, true, V::replay, V::conflict},
      {"failed, retry", failed, &theirs, false, true, V::take_over, V::conflict},
      {"failed, no retry", failed, &theirs, false, false, V::retry_not_allowed, V::conflict},
      {"expired", expired, &theirs, false, true, V::take_over, V::take_over},
      {"expired, no retry", expired, &theirs, false, false, V::take_over, V::take_over},
      {"lapsed pending, own", pending, &mine, true, true, V::take_over, V::take_over},
      {"lapsed pending", pending, &theirs, true, false, V::take_over, V::take_over},
      {"lapsed completed", completed, &theirs, true, true, V::take_over, V::take_over},
      {"lapsed failed", failed, &theirs, true, true, V::take_over, V::take_over},
      {"lapsed failed, no retry", failed, &theirs, true, false, V::take_over, V::take_over},
      {"lapsed expired", expired, &theirs, true, false, V::take_over, V::take_over},
  };
  return rows;
}

TEST_CASE("the decision table, row by row, and at the edge of every deadline") {
  for (const Row& row : table()) {
    for (const Duration allowance : {Duration{0}, Duration{1}, Duration{5s}}) {
      INFO(row.what << ", allowance " << allowance.count());
      IdempotencyPolicy policy;
      policy.allow_retry_after_fail = row.retry_allowed;
      policy.clock_skew_allowance = allowance;
      // At the deadline plus the allowance it has not lapsed; a microsecond later it has.
      const Timestamp now = deadline + allowance + (row.lapsed ? 1us : 0us);
      const IdempotencyRecord stored = record(row.status, *row.token, deadline);
      CHECK(judge(stored, fingerprint(), mine, now, policy) == row.same_fingerprint);
      CHECK(judge(stored, other_fingerprint(), mine, now, policy) == row.other_fingerprint);
      if (!row.lapsed) {  // so it is long before, and without a deadline for ever
        const IdempotencyRecord eternal = record(row.status, *row.token, std::nullopt);
        CHECK(judge(stored, fingerprint(), mine, Timestamp::min(), policy) == row.same_fingerprint);
        CHECK(judge(eternal, fingerprint(), mine, Timestamp::max(), policy) ==
              row.same_fingerprint);
        CHECK(judge(eternal, other_fingerprint(), mine, Timestamp::max(), policy) ==
              row.other_fingerprint);
      }
    }
  }
}

TEST_CASE("a status that does not exist never executes") {
  const auto status = static_cast<RecordStatus>(77);
  CHECK(judge(record(status, theirs, std::nullopt), fingerprint(), mine, start, {}) ==
        Verdict::in_progress);
}

TEST_CASE("lapsed: strictly after the deadline, by the allowance, without overflow") {
  CHECK_FALSE(lapsed(std::nullopt, Timestamp::max(), Duration{0}));
  CHECK_FALSE(lapsed(start, start, Duration{0}));
  CHECK(lapsed(start, start + 1us, Duration{0}));
  CHECK_FALSE(lapsed(start, start + 5s, Duration{5s}));
  CHECK(lapsed(start, start + 5s + 1us, Duration{5s}));
  CHECK_FALSE(lapsed(Timestamp::max(), Timestamp::max(), Duration{0}));
  CHECK_FALSE(lapsed(Timestamp::min(), Timestamp::min(), Duration::max()));
  CHECK_FALSE(lapsed(start, Timestamp::min(), Duration::max()));
  CHECK(lapsed(Timestamp::min(), Timestamp::min() + 1us, Duration{0}));
}

TEST_CASE("every verdict has a name") {
  CHECK(to_string(Verdict::own_claim) == "own_claim");
  CHECK(to_string(Verdict::replay) == "replay");
  CHECK(to_string(Verdict::in_progress) == "in_progress");
  CHECK(to_string(Verdict::conflict) == "conflict");
  CHECK(to_string(Verdict::retry_not_allowed) == "retry_not_allowed");
  CHECK(to_string(Verdict::take_over) == "take_over");
  CHECK(to_string(static_cast<Verdict>(77)) == "unknown");
}

}  // namespace
}  // namespace nexus::idempotency::test
