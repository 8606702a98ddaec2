// SPDX-License-Identifier: MIT
#include "nexus/idempotency/testing/faulty_store.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/in_memory_store.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"
#include "support/catch.hpp"

using namespace nexus::idempotency;
using namespace std::chrono_literals;
using testing::FaultyStore;
using testing::StoreCall;

namespace {

IdempotencyRecord claim(const std::string& key = "key") {
  return {{TenantId("tenant"), OperationRef("operation"), ClientKey(key)},
          RecordStatus::pending,
          RequestFingerprint("fingerprint"),
          AttemptToken("token"),
          1,
          std::nullopt,
          Timestamp{},
          Timestamp{},
          Timestamp{10s}};
}

IdempotencyRecord completed() {
  IdempotencyRecord record = claim();
  record.status = RecordStatus::completed;
  record.result = ResultEnvelope("result");
  return record;
}

WriteGuard guard() {
  return {AttemptToken("token"), RequestFingerprint("fingerprint"), RecordStatus::pending,
          LeaseCondition::any, Timestamp{}};
}

// Returns: the code of the StoreError that `call` throws, if it throws one.
template <class Call>
std::optional<StoreErrc> error_of(Call call) {
  try {
    (void)call();
  } catch (const StoreError& error) {
    return error.code();
  }
  return std::nullopt;
}

struct Stores {
  InMemoryIdempotencyStore inner;
  FaultyStore faulty{inner};
};

}  // namespace

TEST_CASE("without a plan every call is passed on, and its answer passed back") {
  Stores stores;
  IdempotencyStore& store = stores.faulty;
  CHECK_FALSE(store.find(claim().key));
  CHECK(store.claim_pending(claim()).claimed_new());
  CHECK(store.claim_pending(claim()).existing == claim());
  CHECK(store.save_if(guard(), completed()));
  CHECK_FALSE(store.save_if(guard(), completed()));
  CHECK(store.find(claim().key) == completed());
  CHECK(stores.inner.find(claim().key) == completed());
  CHECK(store.purge_expired(Timestamp{10s}, 5) == 0);
  CHECK(store.purge_expired(Timestamp{11s}, 0) == 0);
  CHECK(store.purge_expired(Timestamp{11s}, 5) == 1);
  CHECK(stores.faulty.calls() == 9);
}

TEST_CASE("a planned failure hits the n-th call only, which does not take effect") {
  for (const StoreErrc code : {StoreErrc::unavailable, StoreErrc::exhausted, StoreErrc::contended,
                               StoreErrc::in_doubt, StoreErrc::corrupt, StoreErrc::misconfigured}) {
    Stores stores;
    stores.faulty.fail(2, code);
    CHECK_FALSE(stores.faulty.find(claim().key));
    CHECK(error_of([&] { return stores.faulty.claim_pending(claim()); }) == code);
    CHECK_FALSE(stores.inner.find(claim().key));
    CHECK(stores.faulty.claim_pending(claim()).claimed_new());
  }
}

TEST_CASE("any of the four methods can fail") {
  Stores stores;
  for (std::size_t n = 1; n <= 4; ++n) stores.faulty.fail(n, StoreErrc::unavailable);
  CHECK(error_of([&] { return stores.faulty.find(claim().key); }));
  CHECK(error_of([&] { return stores.faulty.claim_pending(claim()); }));
  CHECK(error_of([&] { return stores.faulty.save_if(guard(), completed()); }));
  CHECK(error_of([&] { return stores.faulty.purge_expired(Timestamp::max(), 9); }));
  CHECK_FALSE(error_of([&] { return stores.faulty.find(claim().key); }));
}

TEST_CASE("a lost request and a lost answer look the same to the caller, and differ in effect") {
  Stores stores;
  stores.faulty.lose_request(1);
  stores.faulty.lose_answer(2);
  const auto try_claim = [&] { return stores.faulty.claim_pending(claim()); };
  CHECK(error_of(try_claim) == StoreErrc::in_doubt);
  CHECK_FALSE(stores.inner.find(claim().key));
  CHECK(error_of(try_claim) == StoreErrc::in_doubt);
  CHECK(stores.inner.find(claim().key) == claim());
  CHECK(try_claim().existing == claim());
}

TEST_CASE("actions run before and after the call took effect") {
  Stores stores;
  testing::ManualClock clock{Timestamp{}};
  std::vector<std::string> seen;
  const auto look = [&](const std::string& when) {
    return [&, when] {
      clock.advance(1s);
      seen.push_back(when + (stores.inner.find(claim().key) ? ": there" : ": absent"));
    };
  };
  stores.faulty.before(1, look("before"));
  stores.faulty.after(1, look("after"));
  CHECK(stores.faulty.claim_pending(claim()).claimed_new());
  CHECK(seen == std::vector<std::string>{"before: absent", "after: there"});
  CHECK(clock.now() == Timestamp{2s});
}

TEST_CASE("plans for one call add up: action, failure; or action, effect, action, lost answer") {
  Stores stores;
  std::vector<std::string> seen;
  const auto note = [&seen](const std::string& what) {
    return [&seen, what] { seen.push_back(what); };
  };
  stores.faulty.before(1, note("before 1"));
  stores.faulty.fail(1, StoreErrc::unavailable);
  stores.faulty.after(1, note("after 1"));
  stores.faulty.before(2, note("before 2"));
  stores.faulty.after(2, note("after 2"));
  stores.faulty.lose_answer(2);
  const auto try_claim = [&] { return stores.faulty.claim_pending(claim()); };
  CHECK(error_of(try_claim) == StoreErrc::unavailable);
  CHECK(error_of(try_claim) == StoreErrc::in_doubt);
  CHECK(seen == std::vector<std::string>{"before 1", "before 2", "after 2"});
}

TEST_CASE("an action may call the store itself, as a rival would; that is the next call") {
  Stores stores;
  bool rival_claimed = false;
  stores.faulty.before(1,
                       [&] { rival_claimed = stores.faulty.claim_pending(claim()).claimed_new(); });
  CHECK_FALSE(stores.faulty.claim_pending(claim()).claimed_new());
  CHECK(rival_claimed);
  CHECK(stores.faulty.calls() == 2);
}

TEST_CASE("the history names every call, failed ones too, and a reset forgets it and the plans") {
  Stores stores;
  stores.faulty.fail(1, StoreErrc::unavailable);
  stores.faulty.fail(5, StoreErrc::unavailable);
  CHECK(error_of([&] { return stores.faulty.claim_pending(claim()); }));
  CHECK_FALSE(stores.faulty.find(claim().key));
  CHECK_FALSE(stores.faulty.save_if(guard(), completed()));
  CHECK(stores.faulty.purge_expired(Timestamp{}, 1) == 0);
  CHECK(stores.faulty.history() == std::vector<StoreCall>{StoreCall::claim_pending, StoreCall::find,
                                                          StoreCall::save_if,
                                                          StoreCall::purge_expired});
  stores.faulty.reset();
  CHECK(stores.faulty.calls() == 0);
  CHECK(stores.faulty.history().empty());
  for (int i = 0; i < 5; ++i) CHECK_FALSE(stores.faulty.find(claim().key));

  stores.faulty.reset();
  stores.faulty.lose_request(1);  // counted from the reset
  CHECK(error_of([&] { return stores.faulty.find(claim().key); }) == StoreErrc::in_doubt);
}

TEST_CASE("errors of the inner store come through, and the faulty store's tell nothing secret") {
  InMemoryIdempotencyStore inner(InMemoryStoreOptions{.max_records = 1});
  FaultyStore faulty(inner);
  CHECK(faulty.claim_pending(claim()).claimed_new());
  CHECK(error_of([&] { return faulty.claim_pending(claim("second")); }) == StoreErrc::exhausted);

  faulty.lose_answer(3);
  try {
    (void)faulty.find(claim().key);
    FAIL("nothing was thrown");
  } catch (const StoreError& error) {
    CHECK(std::string(error.what()) == "in_doubt: planned loss of the answer of find");
  }
}

TEST_CASE("each planned fault hits one call when several threads call") {
  Stores stores;
  constexpr int threads = 4;
  constexpr int calls = 50;
  for (std::size_t n = 1; n <= 20; ++n) stores.faulty.fail(n * 10, StoreErrc::unavailable);
  std::vector<int> failures(threads);
  std::vector<std::thread> crew;
  for (int i = 0; i < threads; ++i) {
    crew.emplace_back([&, i] {
      for (int call = 0; call < calls; ++call) {
        const auto key = claim(std::to_string(i)).key;
        if (error_of([&] { return stores.faulty.find(key); })) {
          ++failures[static_cast<std::size_t>(i)];
        }
      }
    });
  }
  for (std::thread& thread : crew) thread.join();
  int total = 0;
  for (const int each : failures) total += each;
  CHECK(total == 20);
  CHECK(stores.faulty.calls() == threads * calls);
}

TEST_CASE("calls have names") {
  CHECK(to_string(StoreCall::find) == "find");
  CHECK(to_string(StoreCall::claim_pending) == "claim_pending");
  CHECK(to_string(StoreCall::save_if) == "save_if");
  CHECK(to_string(StoreCall::purge_expired) == "purge_expired");
}
