// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_RACES_HPP
#define NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_RACES_HPP

// Conformance cases in which several threads use the store at once. What happens when is left to
// chance; every verdict is a count that a right store gives in any order of events.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/testing/detail/conformance_checks.hpp"
#include "nexus/idempotency/testing/detail/conformance_crew.hpp"
#include "nexus/idempotency/testing/detail/conformance_samples.hpp"
#include "nexus/idempotency/testing/store_fixture.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace testing::detail {

inline constexpr std::size_t crew_size = 6;
inline constexpr std::size_t rounds = 6;

inline IdempotencyKey round_key(std::size_t round) {
  return sample_key("round " + std::to_string(round));
}
inline std::string token_of(std::size_t thread) {
  return "token of " + std::to_string(thread);
}

template <Sharing sharing>
void one_of_many_claims(StoreFixture& fixture) {
  CrewStores stores(fixture, sharing, crew_size);
  for (std::size_t round = 0; round < rounds; ++round) {
    const auto candidate = [&](std::size_t i) {
      return pending_record(round_key(round), token_of(i));
    };
    std::vector<std::optional<IdempotencyRecord>> existing(crew_size);
    run_together(crew_size, [&](std::size_t i) {
      existing[i] = stores.of(i).claim_pending(candidate(i)).existing;
    });
    std::vector<std::size_t> winners;
    for (std::size_t i = 0; i < crew_size; ++i) {
      if (!existing[i]) winners.push_back(i);
    }
    require(winners.size() == 1, std::to_string(winners.size()) +
                                     " of several concurrent claims of one absent key were stored");
    for (std::size_t i = 0; i < crew_size; ++i) {
      if (i != winners[0]) require_same(existing[i], candidate(winners[0]), "a refused claim");
    }
    require_stored(stores.of(0), candidate(winners[0]), "after concurrent claims");
  }
}

// Effects: lets each thread write its own `next(i)` by one guard, which only one of them may.
template <class Next>
void require_one_writer(CrewStores& stores, const WriteGuard& guard, Next next,
                        const std::string& what) {
  std::vector<char> wrote(crew_size);
  run_together(crew_size,
               [&](std::size_t i) { wrote[i] = stores.of(i).save_if(guard, next(i)) ? 1 : 0; });
  std::vector<std::size_t> winners;
  for (std::size_t i = 0; i < crew_size; ++i) {
    if (wrote[i] != 0) winners.push_back(i);
  }
  require(winners.size() == 1, std::to_string(winners.size()) + " of several concurrent " + what +
                                   " by one guard were written");
  require_stored(stores.of(0), next(winners[0]), "after concurrent " + what);
}

template <Sharing sharing>
void one_of_many_take_overs(StoreFixture& fixture) {
  CrewStores stores(fixture, sharing, crew_size);
  for (std::size_t round = 0; round < rounds; ++round) {
    const IdempotencyRecord claim = pending_record(round_key(round));
    put(stores.of(0), claim);
    const auto next = [&](std::size_t i) { return taken_over(claim, token_of(i)); };
    require_one_writer(stores, guard_of(claim, LeaseCondition::lapsed, next(0).created_at), next,
                       "take-overs");
  }
}

template <Sharing sharing>
void one_of_many_outcomes(StoreFixture& fixture) {
  CrewStores stores(fixture, sharing, crew_size);
  for (std::size_t round = 0; round < rounds; ++round) {
    const IdempotencyRecord claim = pending_record(round_key(round));
    put(stores.of(0), claim);
    const auto next = [&](std::size_t i) {
      IdempotencyRecord outcome =
          in_status(claim, i % 2 == 0 ? RecordStatus::completed : RecordStatus::failed);
      outcome.result = ResultEnvelope("result of " + std::to_string(i));
      return outcome;
    };
    require_one_writer(stores, guard_of(claim), next, "outcomes of one attempt");
  }
}

// The owner of a lapsed lease completes while others take the key over.
template <Sharing sharing>
void completion_or_take_over(StoreFixture& fixture) {
  CrewStores stores(fixture, sharing, crew_size);
  for (std::size_t round = 0; round < rounds; ++round) {
    const IdempotencyRecord claim = pending_record(round_key(round));
    put(stores.of(0), claim);
    const auto next = [&](std::size_t i) {
      return i == 0 ? in_status(claim, RecordStatus::completed) : taken_over(claim, token_of(i));
    };
    std::vector<char> wrote(2);
    run_together(2, [&](std::size_t i) {
      const auto lease = i == 0 ? LeaseCondition::any : LeaseCondition::lapsed;
      const WriteGuard guard = guard_of(claim, lease, next(1).created_at);
      wrote[i] = stores.of(i).save_if(guard, next(i)) ? 1 : 0;
    });
    require(wrote[0] + wrote[1] == 1, std::to_string(wrote[0] + wrote[1]) +
                                          " of a completion and a concurrent take-over landed");
    require_stored(stores.of(0), next(wrote[0] != 0 ? 0 : 1), "after completion and take-over");
  }
}

// Many owners of lapsed leases complete or renew while a purge runs: who was told that the record
// was written must find it, and the purge counts exactly the others.
template <Sharing sharing>
void purge_or_completion(StoreFixture& fixture) {
  if (fixture.expires_by_itself()) {
    throw ConformanceSkipped("expires_by_itself() is true: purge_expired removes nothing");
  }
  CrewStores stores(fixture, sharing, 2);
  for (std::size_t round = 0; round < rounds; ++round) {
    constexpr std::size_t records = 8;
    const Timestamp before = base_time + std::chrono::hours{1};
    std::vector<IdempotencyRecord> claims;
    for (std::size_t i = 0; i < records; ++i) {
      claims.push_back(
          pending_record(sample_key("round " + std::to_string(round) + ", " + std::to_string(i))));
      put(stores.of(0), claims.back());
    }
    const auto next = [&](std::size_t i) {
      IdempotencyRecord record =
          in_status(claims[i], i % 2 == 0 ? RecordStatus::completed : RecordStatus::pending);
      record.expires_at = before + std::chrono::hours{24};
      return record;
    };
    std::vector<char> wrote(records);
    std::size_t purged = 0;
    run_together(2, [&](std::size_t thread) {
      if (thread == 0) {
        for (std::size_t i = 0; i < records; ++i) {
          wrote[i] = stores.of(0).save_if(guard_of(claims[i]), next(i)) ? 1 : 0;
        }
      } else {
        for (std::size_t i = 0; i < records / 2; ++i) {
          purged += stores.of(1).purge_expired(before, 2);
        }
      }
    });
    std::size_t gone = 0;
    for (std::size_t i = 0; i < records; ++i) {
      if (wrote[i] != 0) {
        require_stored(stores.of(0), next(i), "of what was written beside a purge");
      } else {
        require_absent(stores.of(0), claims[i].key, "of what a purge took before its owner came");
        ++gone;
      }
    }
    require(purged == gone, "purge_expired returned " + std::to_string(purged) + " in all, but " +
                                std::to_string(gone) + " records are gone");
  }
}

// Each thread renews the same attempt for another time; the latest deadline must stand.
inline void renewals_keep_the_latest(StoreFixture& fixture) {
  CrewStores stores(fixture, Sharing::one_object, crew_size);
  for (std::size_t round = 0; round < rounds; ++round) {
    const IdempotencyRecord claim = pending_record(round_key(round));
    put(stores.of(0), claim);
    const auto renewal = [&](std::size_t i) {
      IdempotencyRecord record = claim;
      record.expires_at = base_time + std::chrono::hours{1 + (i * 5 + round) % crew_size};
      return record;
    };
    std::vector<char> wrote(crew_size);
    run_together(crew_size, [&](std::size_t i) {
      wrote[i] = stores.of(i).save_if(guard_of(claim), renewal(i)) ? 1 : 0;
    });
    for (const char each : wrote) require(each != 0, "one of several concurrent renewals failed");
    IdempotencyRecord latest = claim;
    latest.expires_at = base_time + std::chrono::hours{crew_size};
    require_stored(stores.of(0), latest, "after concurrent renewals");
  }
}

// Threads that have nothing to do with one another, each with keys of its own.
template <Sharing sharing>
void many_keys_at_once(StoreFixture& fixture) {
  CrewStores stores(fixture, sharing, crew_size);
  constexpr std::size_t keys = 6;
  const auto claim = [](std::size_t thread, std::size_t i) {
    return pending_record(sample_key(std::to_string(i) + " of " + std::to_string(thread)));
  };
  run_together(crew_size, [&](std::size_t thread) {
    IdempotencyStore& store = stores.of(thread);
    for (std::size_t i = 0; i < keys; ++i) {
      put(store, in_status(claim(thread, i), RecordStatus::completed));
      require_stored(store, in_status(claim(thread, i), RecordStatus::completed), "beside others");
    }
  });
  for (std::size_t thread = 0; thread < crew_size; ++thread) {
    for (std::size_t i = 0; i < keys; ++i) {
      require_stored(stores.of(0), in_status(claim(thread, i), RecordStatus::completed),
                     "after all threads have ended");
    }
  }
}

// While one thread writes two records in turn, readers find the one or the other, never a mixture.
template <Sharing sharing>
void readers_see_whole_records(StoreFixture& fixture) {
  CrewStores stores(fixture, sharing, 3);
  const IdempotencyRecord odd = in_status(pending_record(sample_key()), RecordStatus::completed);
  const IdempotencyRecord even = taken_over(odd);
  put(stores.of(0), odd);
  const auto read = [&](std::size_t thread) {
    const auto found = thread == 1
                           ? stores.of(1).find(odd.key)
                           : stores.of(2).claim_pending(taken_over(odd, "token-3")).existing;
    require(found.has_value(), "a reader beside a writer: there is no record");
    require(*found == odd || *found == even,
            "a reader beside a writer: neither of the two records that were written:" +
                difference(*found, found->fence == odd.fence ? odd : even));
  };
  std::atomic<bool> written = false;
  run_together(3, [&](std::size_t thread) {
    if (thread != 0) {
      // Claims may be dear, and keep the writer waiting; finds go on as long as it writes.
      const std::size_t most = thread == 1 ? std::numeric_limits<std::size_t>::max() : 40;
      for (std::size_t i = 0; i < most && !written; ++i) read(thread);
      return;
    }
    try {
      for (std::size_t i = 0; i < 2 * rounds; ++i) {
        require_save(stores.of(0), guard_of(odd), even, true, "by the only writer");
        require_save(stores.of(0), guard_of(even), odd, true, "by the only writer");
      }
    } catch (...) {
      written = true;
      throw;
    }
    written = true;
  });
}

}  // namespace testing::detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_TESTING_DETAIL_CONFORMANCE_RACES_HPP
