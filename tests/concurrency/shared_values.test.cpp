// SPDX-License-Identifier: MIT
// Keys, long texts and results share their bytes between copies. Here the copies are on different
// threads, and the last one to go is on any of them. (What goes wrong shows under the sanitizers.)
#include <barrier>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "concurrency/crew.hpp"
#include "nexus/idempotency.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"
#include "support/catch.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;

namespace {

constexpr std::size_t threads = 4;

IdempotencyKey long_key() {
  return {TenantId{std::string(TenantId::max_length, 't')},
          OperationRef{std::string(OperationRef::max_length, 'o')},
          ClientKey{std::string(ClientKey::max_length, 'c')}};
}
RequestFingerprint long_fingerprint() {
  return RequestFingerprint{std::string(RequestFingerprint::max_length, 'f')};
}
ResultEnvelope long_result() {
  return result(std::string(1000, 'r'));
}

// One of each, all of them blocks that are shared.
struct Values {
  IdempotencyKey key = long_key();
  RequestFingerprint fingerprint = long_fingerprint();
  ResultEnvelope result = long_result();

  bool are_whole() const {
    return key.tenant().value().size() == TenantId::max_length &&
           key.client_key().value().back() == 'c' && key.encoded().back() == ']' &&
           fingerprint.value() == std::string(RequestFingerprint::max_length, 'f') &&
           result.payload() == std::string(1000, 'r');
  }
};

}  // namespace

TEST_CASE("one value may be copied by many threads at once") {
  const Values values;
  Findings findings;
  run_together(threads, [&](std::size_t) {
    for (int i = 0; i < 2000; ++i) {
      const Values copy = values;
      Values second = copy;
      second = values;
      findings.expect(copy.are_whole() && second.are_whole(), "a copy is not whole");
      findings.expect(copy.key == values.key, "a copy is another key");
    }
  });
  CHECK(findings.text() == "");
  CHECK(values.are_whole());
}

TEST_CASE("the last copy may go on any thread") {
  constexpr std::size_t rounds = 2000;
  std::vector<std::vector<std::optional<Values>>> copies(threads);
  for (std::size_t round = 0; round < rounds; ++round) {
    const Values values;
    for (auto& own : copies) own.emplace_back(values);
  }
  Findings findings;
  std::barrier each_round(static_cast<std::ptrdiff_t>(threads));
  run_together(threads, [&](std::size_t thread) {
    for (std::size_t round = 0; round < rounds; ++round) {
      each_round.arrive_and_wait();
      findings.expect(copies[thread][round]->are_whole(), "a copy is not whole");
      copies[thread][round].reset();
    }
  });
  CHECK(findings.text() == "");
}

TEST_CASE("results outlive the records that they were replayed from") {
  InMemoryIdempotencyStore store;
  testing::ManualClock clock(start);
  IdempotencyService service(store, clock, {.completed_ttl = 1s});
  const IdempotencyKey the_key = long_key();
  Findings findings;
  std::barrier each_round(static_cast<std::ptrdiff_t>(threads));
  run_together(threads, [&](std::size_t thread) {
    for (int round = 0; round < 300; ++round) {
      if (thread == 0) {
        const auto attempt = attempt_in(service.begin(the_key, long_fingerprint()));
        findings.expect(attempt.has_value(), "the key is not free");
        if (attempt) service.complete(*attempt, long_result());
      }
      each_round.arrive_and_wait();
      // While one gives the record up, the others take its result with them.
      if (thread == 0) store.purge_expired(clock.now() + 2s, 1);
      if (thread != 0) {
        const auto found = store.find(the_key);
        findings.expect(!found || (found->result && *found->result == long_result() &&
                                   found->fingerprint == long_fingerprint()),
                        "a result is not whole");
      }
      each_round.arrive_and_wait();
    }
  });
  CHECK(findings.text() == "");
  CHECK(store.size() == 0);
}
