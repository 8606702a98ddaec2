// SPDX-License-Identifier: MIT
// What is promised of the heap. No timings, so these hold on any machine with the same C library.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "benchmarks/subjects.hpp"
#include "benchmarks/support/counted_heap.hpp"
#include "benchmarks/support/filled.hpp"
#include "benchmarks/support/footprint.hpp"
#include "benchmarks/support/requests.hpp"
#include "nexus/idempotency/testing/manual_clock.hpp"
#include "support/catch.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::benchmarks;

namespace {

// A service over a store with one completed and one pending record.
struct Fixture {
  Fixture() {
    service.complete(std::get<FirstExecution>(service.begin(completed, fingerprint)).attempt,
                     ResultEnvelope(make_result()));
    (void)service.begin(pending, fingerprint);
  }

  InMemoryIdempotencyStore store;
  testing::ManualClock clock{Timestamp{std::chrono::hours{500'000}}};
  IdempotencyService service{store, clock};
  IdempotencyKey completed{TenantId(tenant), OperationRef(operation), ClientKey("completed")};
  IdempotencyKey pending{TenantId(tenant), OperationRef(operation), ClientKey("pending")};
  RequestFingerprint fingerprint{std::string(64, 'a')};
  RequestFingerprint other_fingerprint{std::string(64, 'b')};
};

}  // namespace

TEST_CASE("the heap is counted", "[allocation]") {
  CHECK(allocations_in([] {}) == 0);
  CHECK(allocations_in([] {
          const auto kept = std::make_unique<int>(1);
          benchmark::DoNotOptimize(kept.get());
        }) == 1);
  // Read before any CHECK, which allocates on its own account.
  const std::int64_t before = heap_count().bytes;
  std::int64_t held = 0;
  {
    std::vector<char> kept(1000);
    char* bytes = kept.data();
    benchmark::DoNotOptimize(bytes);  // or the compiler may do without the allocation
    held = heap_count().bytes - before;
  }
  const std::int64_t after = heap_count().bytes;
  CHECK(held >= 1000);
  CHECK(held <= 1032);
  CHECK(after == before);
}

TEST_CASE("values and key of a typical request live where they stand", "[allocation]") {
  const Request request = make_requests(1, 0x11)[0];
  CHECK(allocations_in([&] {
          const TenantId of(tenant);
          const OperationRef what(operation);
          const ClientKey client_key(request.client_key());
          const RequestFingerprint fingerprint(request.fingerprint());
        }) == 0);
  CHECK(allocations_in([&] { const IdempotencyKey key = key_of(request); }) == 0);
}

TEST_CASE("copies allocate nothing", "[allocation]") {
  const Fixture fixture;
  const RequestFingerprint longest(std::string(RequestFingerprint::max_length, 'f'));
  const ResultEnvelope result(std::string(ResultEnvelope::max_bytes, 'r'));
  CHECK(allocations_in([&] {
          const IdempotencyKey key = fixture.completed;
          const RequestFingerprint fingerprint = longest;
          const ResultEnvelope shared = result;
        }) == 0);
}

TEST_CASE("a replay allocates nothing", "[allocation]") {
  Fixture fixture;
  std::optional<BeginDecision> decision;
  for (int i = 0; i < 3; ++i) {
    CHECK(allocations_in([&] {
            decision.emplace(fixture.service.begin(fixture.completed, fixture.fingerprint));
          }) == 0);
    REQUIRE(std::holds_alternative<Replay>(*decision));
    CHECK(std::get<Replay>(*decision).result.payload() == make_result());
  }
}

TEST_CASE("a replay of the longest values allocates nothing", "[allocation]") {
  Fixture fixture;
  const IdempotencyKey key(TenantId(std::string(TenantId::max_length, 't')),
                           OperationRef(std::string(OperationRef::max_length, 'o')),
                           ClientKey(std::string(ClientKey::max_length, 'k')));
  const RequestFingerprint fingerprint(std::string(RequestFingerprint::max_length, 'f'));
  fixture.service.complete(
      std::get<FirstExecution>(fixture.service.begin(key, fingerprint)).attempt,
      ResultEnvelope(std::string(ResultEnvelope::max_bytes, 'r')));
  std::optional<BeginDecision> decision;
  CHECK(allocations_in([&] { decision.emplace(fixture.service.begin(key, fingerprint)); }) == 0);
  CHECK(std::holds_alternative<Replay>(*decision));
}

TEST_CASE("in progress and conflict allocate nothing", "[allocation]") {
  Fixture fixture;
  std::optional<BeginDecision> decision;
  CHECK(allocations_in([&] {
          decision.emplace(fixture.service.begin(fixture.pending, fixture.fingerprint));
        }) == 0);
  CHECK(std::holds_alternative<InProgress>(*decision));
  CHECK(allocations_in([&] {
          decision.emplace(fixture.service.begin(fixture.completed, fixture.other_fingerprint));
        }) == 0);
  CHECK(std::holds_alternative<Conflict>(*decision));
}

TEST_CASE("a first execution allocates its record, and completing it nothing", "[allocation]") {
  Fixture fixture;
  std::vector<IdempotencyKey> keys;
  for (const Request& request : make_requests(10'000, 0x12)) keys.push_back(key_of(request));
  const ResultEnvelope result(make_result());
  std::size_t in_begin = 0;
  std::size_t in_complete = 0;
  for (const IdempotencyKey& key : keys) {
    std::optional<BeginDecision> decision;
    in_begin +=
        allocations_in([&] { decision.emplace(fixture.service.begin(key, fixture.fingerprint)); });
    const auto& first = std::get<FirstExecution>(*decision);
    in_complete += allocations_in([&] { fixture.service.complete(first.attempt, result); });
  }
  CHECK(in_complete == 0);
  // One each, and the growth of the table.
  CHECK(in_begin >= keys.size());
  CHECK(in_begin <= keys.size() + keys.size() / 4);
}

TEST_CASE("a completed record takes little more than its payload", "[allocation]") {
  // The first right after its table has grown, when most of it is empty; then the bar's own count.
  for (const std::size_t count : {800'000U, 1'000'000U}) {
    INFO(count << " records");
    CHECK(overhead_per_record<Ours>(count) <= 180);
  }
}
