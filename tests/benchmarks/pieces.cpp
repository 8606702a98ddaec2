// SPDX-License-Identifier: MIT
// What a call is made of: the store's lookup, the encoding of a key, the token.

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "benchmarks/subjects.hpp"
#include "benchmarks/support/filled.hpp"
#include "benchmarks/support/requests.hpp"
#include "benchmarks/support/suite.hpp"
#include "nexus/idempotency/detail/token_source.hpp"

namespace nexus::idempotency::benchmarks {
namespace {

// A store with `count` completed records, and calls for it with key and fingerprint ready made.
struct Prebuilt {
  explicit Prebuilt(std::size_t count, std::size_t calls) {
    const Requests stored = make_requests(count, 0xD);
    subject = filled_with<Ours>(stored);
    for (const Request& request : draw(stored, calls, 0xE)) {
      keys.push_back(key_of(request));
      fingerprints.emplace_back(request.fingerprint());
    }
  }

  std::shared_ptr<Ours> subject;
  std::vector<IdempotencyKey> keys;
  std::vector<RequestFingerprint> fingerprints;
};

void add_lookup(Suite& suite, const std::string& name,
                const std::shared_ptr<const Prebuilt>& prebuilt) {
  suite.add(name + "_service", 1, suite.sizes().calls, [prebuilt](benchmark::State& state) {
    std::size_t i = 0;
    for (auto _ : state) {
      const BeginDecision decision =
          prebuilt->subject->service().begin(prebuilt->keys[i], prebuilt->fingerprints[i]);
      if (!std::holds_alternative<Replay>(decision)) state.SkipWithError("no replay");
      i = i + 1 == prebuilt->keys.size() ? 0 : i + 1;
    }
    state.SetItemsProcessed(state.iterations());
  });
  suite.add(name + "_find", 1, suite.sizes().calls, [prebuilt](benchmark::State& state) {
    std::size_t i = 0;
    for (auto _ : state) {
      const auto found = prebuilt->subject->store().find(prebuilt->keys[i]);
      if (!found) state.SkipWithError("not found");
      i = i + 1 == prebuilt->keys.size() ? 0 : i + 1;
    }
    state.SetItemsProcessed(state.iterations());
  });
}

void add_key_and_token(Suite& suite) {
  suite.add("encode_key", 1, suite.sizes().calls, [](benchmark::State& state) {
    const Request request = make_requests(1, 0xF)[0];
    const TenantId of(tenant);
    const OperationRef what(operation);
    const ClientKey client_key(request.client_key());
    for (auto _ : state) {
      IdempotencyKey key(of, what, client_key);
      benchmark::DoNotOptimize(key);
    }
    state.counters["ns"] = {
        1e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert};
  });
  suite.add("draw_token", 1, suite.sizes().calls, [](benchmark::State& state) {
    detail::TokenSource& source = detail::TokenSource::of_this_thread();
    for (auto _ : state) {
      AttemptToken token = detail::token_of(source.draw());
      benchmark::DoNotOptimize(token);
    }
    state.counters["ns"] = {
        1e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert};
  });
}

}  // namespace

void add_pieces(Suite& suite) {
  const Sizes& sizes = suite.sizes();
  add_lookup(suite, "lookup_few",
             std::make_shared<const Prebuilt>(sizes.few_records, sizes.few_records));
  add_lookup(suite, "lookup_many", std::make_shared<const Prebuilt>(sizes.records, sizes.calls));
  add_key_and_token(suite);

  suite.compare({"replay of prebuilt key and fingerprint, 10⁴ records",
                 {"lookup_few_service"},
                 {"lookup_few_find"},
                 "store's find",
                 Bar::at_least(0.65)});
  suite.compare({"replay of prebuilt key and fingerprint, 10⁶ records",
                 {"lookup_many_service"},
                 {"lookup_many_find"},
                 "store's find",
                 Bar::at_least(0.75)});
  suite.compare({"a key of three values, encoded",
                 {"encode_key", "ns"},
                 {},
                 "",
                 Bar::ours_at_most(40),
                 Unit::nanoseconds});
  suite.compare(
      {"a token", {"draw_token", "ns"}, {}, "", Bar::ours_at_most(40), Unit::nanoseconds});
}

}  // namespace nexus::idempotency::benchmarks
