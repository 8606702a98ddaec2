// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTING_STORE_FIXTURE_HPP
#define NEXUS_IDEMPOTENCY_TESTING_STORE_FIXTURE_HPP

#include <memory>
#include <stdexcept>

#include "nexus/idempotency/detail/config.hpp"
#include "nexus/idempotency/ports.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace testing {

// What the conformance suite must know about a store: how to make one, and what it can do. The
// author of a store derives from it; only make_store() has no default.
class NEXUS_IDEMPOTENCY_API StoreFixture {
 public:
  virtual ~StoreFixture() = default;

  // Returns: an empty store, which several threads may use at once. A durable store takes a fresh
  // file, table or prefix, so that nothing of an earlier case is in it. Called once a case; earlier
  // stores are no longer used by then.
  [[nodiscard]] virtual std::unique_ptr<IdempotencyStore> make_store() = 0;

  // Returns: a further store object over the contents of the store that make_store() gave last,
  // which is still in use, as a second process would make it; null, the default, if contents
  // belong to one object. The cases that need it are then skipped.
  [[nodiscard]] virtual std::unique_ptr<IdempotencyStore> connect() { return nullptr; }

  // Returns: a store over the contents of the store that make_store() gave last, whose objects
  // have all been destroyed since; null if contents do not outlive the object. Without an override
  // it is connect().
  [[nodiscard]] virtual std::unique_ptr<IdempotencyStore> reopen() { return connect(); }

  // Returns: whether the engine removes records by itself some time after their deadline, and
  // purge_expired therefore removes nothing and returns 0. The suite then stores no deadline that
  // has passed in real time; all the others are in the year 2100.
  [[nodiscard]] virtual bool expires_by_itself() const { return false; }
};

// Thrown by a case when the store breaks the contract; what() says what was wrong.
class NEXUS_IDEMPOTENCY_API ConformanceFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Thrown by a case that does not apply to the store; what() says which ability it lacks.
class NEXUS_IDEMPOTENCY_API ConformanceSkipped : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace testing
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_TESTING_STORE_FIXTURE_HPP
