// SPDX-License-Identifier: MIT
// What a thread of a worker process does: a service's life over a store, with everything written to
// the log.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "crash/event.hpp"
#include "crash/log.hpp"
#include "crash/orders.hpp"
#include "nexus/idempotency/attempt.hpp"
#include "nexus/idempotency/decision.hpp"
#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/result_envelope.hpp"
#include "nexus/idempotency/service.hpp"
#include "nexus/idempotency/system_clock.hpp"
#include "nexus/idempotency/time.hpp"

namespace nexus::idempotency::test {

class Worker {
 public:
  // Preconditions: `store` and `log` outlive it.
  Worker(const Orders& orders, IdempotencyStore& store, LogWriter& log)
      : orders_(orders), store_(store), log_(log), random_(orders.seed) {}

  // The load, until `stop` is set.
  void work(const std::atomic<bool>& stop);

  // Each command once, until it has its final answer.
  void settle();

 private:
  enum class Reported { acknowledged, refused, gave_up };

  [[nodiscard]] IdempotencyService service(std::uint32_t key);
  [[nodiscard]] std::uint32_t next_key();
  bool chance(std::uint32_t per_mille) { return random_() % 1000 < per_mille; }
  void nap(Duration at_most);
  void maybe_crash();

  // Returns: the answer; nothing if the store gave none.
  std::optional<BeginDecision> begin(std::uint32_t key, bool foreign = false);
  // An execution that may go wrong in any of the ways of a process.
  void live(std::uint32_t key, const Attempt& attempt);
  // Returns: the attempt as renewed, or as it was.
  Attempt renew(std::uint32_t key, const Attempt& attempt);
  Reported complete(std::uint32_t key, const Attempt& attempt, const ResultEnvelope& result);
  Reported fail(std::uint32_t key, const Attempt& attempt,
                const std::optional<ResultEnvelope>& failure);
  void purge();

  // Calls until the answer is definite; what is in doubt or out of reach is repeated.
  template <class Call>
  Reported report(What question, What success, std::uint32_t key, const Attempt& attempt,
                  const std::string& detail, Call call);

  void note(What what, std::uint32_t key = 0, std::string_view detail = "-");
  void note(What what, std::uint32_t key, const Attempt& attempt, std::string_view detail = "-");
  void note_error(std::string_view call, std::uint32_t key, const StoreError& error);
  [[nodiscard]] ResultEnvelope bytes(std::string_view kind, std::uint32_t key,
                                     const Attempt& attempt);

  const Orders orders_;
  IdempotencyStore& store_;
  LogWriter& log_;
  SystemClock clock_;
  std::mt19937_64 random_;
};

}  // namespace nexus::idempotency::test
