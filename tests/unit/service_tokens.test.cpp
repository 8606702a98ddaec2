// SPDX-License-Identifier: MIT
// Which token each store call of `begin` carries: one for all calls of one `begin`, and never one
// that another `begin` may have left in the store.
#include <optional>
#include <vector>

#include "nexus/idempotency/service.hpp"
#include "support/catch.hpp"
#include "support/service_world.hpp"

namespace nexus::idempotency::test {
namespace {

// Notes the token of every candidate on its way to another store.
class NotingStore final : public IdempotencyStore {
 public:
  explicit NotingStore(IdempotencyStore& inner) : inner_(inner) {}

  std::optional<IdempotencyRecord> find(const IdempotencyKey& wanted) override {
    return inner_.find(wanted);
  }
  ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    tokens.push_back(candidate.attempt_token);
    return inner_.claim_pending(candidate);
  }
  bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override {
    tokens.push_back(next.attempt_token);
    return inner_.save_if(guard, next);
  }
  std::size_t purge_expired(Timestamp before, std::size_t limit) override {
    return inner_.purge_expired(before, limit);
  }

  std::vector<AttemptToken> tokens;

 private:
  IdempotencyStore& inner_;
};

struct TokenWorld : World {
  NotingStore noting{store};
  IdempotencyService noted{noting, clock};

  TokenWorld() {
    (void)noted.begin(key("elsewhere"), fingerprint());  // so that no token is left over
    forget();
  }
  void forget() {
    store.reset();
    noting.tokens.clear();
  }
  // Returns: the token that the next `begin` draws.
  AttemptToken next_token() {
    forget();
    CHECK(is<InProgress>(noted.begin(key("elsewhere"), fingerprint())));
    return noting.tokens.front();
  }
};

TEST_CASE("one begin has one token for all its store calls") {
  TokenWorld w;
  w.service().fail(w.claim());
  w.forget();
  w.store.lose_request(1);
  w.store.lose_answer(3);
  CHECK(is<FirstExecution>(w.noted.begin(key(), fingerprint())));
  REQUIRE(w.noting.tokens.size() > 3);
  for (const AttemptToken& token : w.noting.tokens) CHECK(token == w.noting.tokens.front());
}

TEST_CASE("a token that certainly went nowhere is drawn again; the kernel's bits are dear") {
  TokenWorld w;
  (void)w.claim();
  w.forget();
  CHECK(is<InProgress>(w.noted.begin(key(), fingerprint())));
  const AttemptToken unused = w.noting.tokens.front();
  CHECK(w.next_token() == unused);
}

TEST_CASE("a token is not drawn again once it was handed out") {
  TokenWorld w;
  const BeginDecision decision = w.noted.begin(key(), fingerprint());
  CHECK(w.next_token() != std::get<FirstExecution>(decision).attempt.token);
}

TEST_CASE("a token is not drawn again if a claim's answer was lost: it may arrive yet") {
  TokenWorld w;
  (void)w.claim();
  w.forget();
  w.store.lose_request(1);
  CHECK(is<InProgress>(w.noted.begin(key(), fingerprint())));
  const AttemptToken doubtful = w.noting.tokens.front();
  CHECK(w.next_token() != doubtful);
}

TEST_CASE("a token is not drawn again after a takeover that was lost to a rival") {
  TokenWorld w;
  w.service().fail(w.claim());
  w.forget();
  w.store.before(2, [&] {  // by a write of its own: a rival's begin would draw on this thread
    const IdempotencyRecord failed = w.stored();
    IdempotencyRecord claimed = failed;
    claimed.status = RecordStatus::pending;
    claimed.attempt_token = AttemptToken{"rival"};
    REQUIRE(w.memory.save_if({failed.attempt_token, failed.fingerprint, failed.status}, claimed));
  });
  CHECK(is<InProgress>(w.noted.begin(key(), fingerprint())));
  const AttemptToken tried = w.noting.tokens.front();
  CHECK(w.next_token() != tried);
}

TEST_CASE("a token is not drawn again after an error") {
  TokenWorld w;
  w.store.fail(1, StoreErrc::unavailable);
  CHECK(store_error([&] { (void)w.noted.begin(key(), fingerprint()); }) == StoreErrc::unavailable);
  const AttemptToken sent = w.noting.tokens.front();
  CHECK(w.next_token() != sent);
}

}  // namespace
}  // namespace nexus::idempotency::test
