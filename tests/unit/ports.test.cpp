// SPDX-License-Identifier: MIT
#include "nexus/idempotency/ports.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>

#include "nexus/idempotency/in_memory_store.hpp"
#include "support/catch.hpp"
#include "unit/memory_samples.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;

namespace {

// As little as the author of a store can write; that it is not abstract shows that the ports ask
// for nothing more.
class SmallestStore final : public IdempotencyStore {
 public:
  explicit SmallestStore(int& destroyed) : destroyed_(destroyed) {}
  ~SmallestStore() override { ++destroyed_; }
  std::optional<IdempotencyRecord> find(const IdempotencyKey&) override { return std::nullopt; }
  ClaimPendingResult claim_pending(const IdempotencyRecord&) override { return {}; }
  bool save_if(const WriteGuard&, const IdempotencyRecord&) override { return false; }
  std::size_t purge_expired(Timestamp, std::size_t) override { return 0; }

 private:
  int& destroyed_;
};

class SmallestClock final : public IdempotencyClock {
 public:
  explicit SmallestClock(int& destroyed) : destroyed_(destroyed) {}
  ~SmallestClock() override { ++destroyed_; }
  Timestamp now() override { return base; }

 private:
  int& destroyed_;
};

static_assert(!std::is_abstract_v<SmallestStore> && !std::is_abstract_v<SmallestClock>);
static_assert(std::is_abstract_v<IdempotencyQuery> && std::is_abstract_v<IdempotencyPersist>);
static_assert(std::is_abstract_v<IdempotencyStore> && std::is_abstract_v<IdempotencyClock>);
static_assert(std::is_base_of_v<IdempotencyQuery, IdempotencyStore>);
static_assert(std::is_base_of_v<IdempotencyPersist, IdempotencyStore>);

template <class Port, class Implementation>
int destroyed_through() {
  int destroyed = 0;
  std::unique_ptr<Port> port = std::make_unique<Implementation>(destroyed);
  port.reset();
  return destroyed;
}

}  // namespace

TEST_CASE("a port may be destroyed through its interface") {
  CHECK(destroyed_through<IdempotencyQuery, SmallestStore>() == 1);
  CHECK(destroyed_through<IdempotencyPersist, SmallestStore>() == 1);
  CHECK(destroyed_through<IdempotencyStore, SmallestStore>() == 1);
  CHECK(destroyed_through<IdempotencyClock, SmallestClock>() == 1);
}

TEST_CASE("a claim is new if and only if nothing was there") {
  CHECK(ClaimPendingResult{}.claimed_new());
  CHECK_FALSE(ClaimPendingResult{claim_of(numbered_key(1), base)}.claimed_new());
}

TEST_CASE("a guard asks nothing of the lease unless told to") {
  const WriteGuard guard = {AttemptToken{"token"}, RequestFingerprint{"fingerprint"},
                            RecordStatus::completed};
  CHECK(guard.attempt_token == AttemptToken{"token"});
  CHECK(guard.fingerprint == RequestFingerprint{"fingerprint"});
  CHECK(guard.status == RecordStatus::completed);
  CHECK(guard.lease == LeaseCondition::any);
  CHECK(guard.now == Timestamp{});
}

TEST_CASE("to_string names each lease condition") {
  CHECK(to_string(LeaseCondition::any) == "any");
  CHECK(to_string(LeaseCondition::live) == "live");
  CHECK(to_string(LeaseCondition::lapsed) == "lapsed");
  CHECK(to_string(static_cast<LeaseCondition>(3)) == "unknown");
}

TEST_CASE("a store is one object behind both ports") {
  InMemoryIdempotencyStore store;
  IdempotencyPersist& persist = store;
  IdempotencyQuery& query = store;
  const IdempotencyRecord claim = claim_of(numbered_key(1), base);
  CHECK(persist.claim_pending(claim).claimed_new());
  CHECK(query.find(claim.key) == claim);
}
