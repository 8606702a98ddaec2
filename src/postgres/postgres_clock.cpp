// SPDX-License-Identifier: MIT
#include "nexus/idempotency/postgres/postgres_clock.hpp"

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <string>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/time.hpp"
#include "postgres/connection.hpp"
#include "postgres/conninfo.hpp"
#include "postgres/faults.hpp"
#include "postgres/parameters.hpp"
#include "postgres/row.hpp"
#include "stores/milliseconds.hpp"
#include "stores/sampled_clock.hpp"

namespace nexus::idempotency {
inline namespace v0 {

class PostgresClock::Impl {
 public:
  Impl(const std::string& conninfo, ServerClockOptions options, Duration timeout)
      : clock([this] { return ask(); }, options),
        conninfo_(conninfo),
        timeout_(stores::milliseconds_up(timeout)) {
    if (timeout <= Duration::zero()) {
      throw InvalidValueError("PostgresClock: the timeout must be more than zero");
    }
    postgres::check_conninfo(conninfo);
  }

  stores::SampledClock clock;

 private:
  // One thread at a time.
  Timestamp ask() {
    // now() would be the time at which the transaction began.
    static constexpr const char* text =
        "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    if (!connection_ || !connection_->is_alive()) {
      connection_.reset();
      connection_ = std::make_unique<postgres::Connection>(conninfo_, timeout_, timeout_);
    }
    const postgres::Reply reply = connection_->run_with(text, postgres::Parameters());
    if (!reply.result) {
      connection_.reset();
      throw postgres::statement_error(reply.fault, postgres::Effect::none);
    }
    const PGresult* const result = reply.result.get();
    return Timestamp(Duration(postgres::read_number<8>(
        {PQgetvalue(result, 0, 0), static_cast<std::size_t>(PQgetlength(result, 0, 0))})));
  }

  const std::string conninfo_;
  const std::chrono::milliseconds timeout_;
  std::unique_ptr<postgres::Connection> connection_;
};

PostgresClock::PostgresClock(const std::string& conninfo, ServerClockOptions options,
                             Duration timeout)
    : impl_(std::make_unique<Impl>(conninfo, options, timeout)) {}

PostgresClock::~PostgresClock() = default;

Timestamp PostgresClock::now() {
  return impl_->clock.now();
}

}  // namespace v0
}  // namespace nexus::idempotency
