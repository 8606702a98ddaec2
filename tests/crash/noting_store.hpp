// SPDX-License-Identifier: MIT
// A store that writes the errors of another one to the log, also those that the service copes with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "crash/event.hpp"
#include "crash/log.hpp"
#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/time.hpp"

namespace nexus::idempotency::test {

// Returns: how the log names an error.
[[nodiscard]] inline std::string error_detail(std::string_view call, const StoreError& error) {
  std::string detail(call);
  detail += ":" + std::string(to_string(error.code())) + ":" + std::string(error.native_code());
  return detail;
}

class NotingStore final : public IdempotencyStore {
 public:
  NotingStore(IdempotencyStore& inner, LogWriter& log, std::uint32_t worker)
      : inner_(inner), log_(log), worker_(worker) {}

  std::optional<IdempotencyRecord> find(const IdempotencyKey& key) override {
    return noting("find", [&] { return inner_.find(key); });
  }
  ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    return noting("claim_pending", [&] { return inner_.claim_pending(candidate); });
  }
  bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override {
    return noting("save_if", [&] { return inner_.save_if(guard, next); });
  }
  std::size_t purge_expired(Timestamp before, std::size_t limit) override {
    return noting("purge_expired", [&] { return inner_.purge_expired(before, limit); });
  }

 private:
  template <class Call>
  std::invoke_result_t<Call> noting(std::string_view name, Call call) {
    try {
      return call();
    } catch (const StoreError& error) {
      Event event;
      event.worker = worker_;
      event.what = What::fault;
      event.detail = error_detail(name, error);
      log_.add(event);
      throw;
    }
  }

  IdempotencyStore& inner_;
  LogWriter& log_;
  std::uint32_t worker_;
};

}  // namespace nexus::idempotency::test
