// SPDX-License-Identifier: MIT
// Calls on connections of the store's own: each a transaction of its own.
#include <libpq-fe.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/postgres/postgres_store.hpp"
#include "nexus/idempotency/time.hpp"
#include "postgres/caller.hpp"
#include "postgres/connection.hpp"
#include "postgres/conninfo.hpp"
#include "postgres/faults.hpp"
#include "postgres/libpq.hpp"
#include "postgres/parameters.hpp"
#include "postgres/schema.hpp"
#include "postgres/session.hpp"
#include "postgres/statements.hpp"
#include "stores/milliseconds.hpp"
#include "stores/pool.hpp"

namespace nexus::idempotency::postgres {
namespace {

void check_options(const PostgresStoreOptions& options) {
  if (options.pool_size == 0) {
    throw InvalidValueError("PostgreSQL store: pool_size must be at least one");
  }
  for (const Duration time : {options.pool_timeout, options.connect_timeout,
                              options.statement_timeout, options.lock_timeout}) {
    if (time <= Duration::zero()) {
      throw InvalidValueError("PostgreSQL store: every timeout must be more than zero");
    }
  }
}

using Pool = stores::Pool<Connection>;

class PooledCaller final : public Caller {
 public:
  PooledCaller(const std::string& conninfo, const PostgresStoreOptions& options)
      : statements_(options.table),
        prepare_(options.prepare),
        session_settings_(session_settings(options.statement_timeout, options.lock_timeout)),
        transaction_settings_(
            "SET LOCAL idle_in_transaction_session_timeout = " +
            std::to_string(stores::milliseconds_up(options.statement_timeout).count())),
        pool_(options.pool_size, stores::milliseconds_up(options.pool_timeout),
              [conninfo, connect_timeout = stores::milliseconds_up(options.connect_timeout),
               answer_timeout = stores::milliseconds_up(options.statement_timeout) + one_second] {
                return std::make_unique<Connection>(conninfo, connect_timeout, answer_timeout);
              }) {}

  Answer call(Call call, const Parameters& parameters, Effect effect) override {
    int repeats = 0;
    bool renewed = false;
    for (;;) {
      Pool::Lease lease = pool_.take();
      Reply reply = prepare_ ? run_prepared(lease, call, parameters)
                             : run_unprepared(lease, call, parameters);
      if (reply.result) {
        if (prepare_) return {std::move(reply.result), 0};
        if (auto answer = checked_answer(std::move(reply.result))) return *std::move(answer);
        begins_ = true;  // nothing was done yet
      } else if (is_collision(reply.fault) && repeats < max_repeats) {
        ++repeats;
      } else if (is_stale(reply.fault) && !renewed) {
        renewed = true;
        lease.discard();
      } else {
        throw failed(lease, reply.fault, effect);
      }
    }
  }

  void ensure_schema() override {
    Pool::Lease lease = pool_.take();
    if (prepare_) set_up(lease);
    try {
      postgres::ensure_schema(statements_, lease.connection(), false, transaction_settings_);
    } catch (...) {
      lease.discard();  // it may be in a transaction, which holds others up
      throw;
    }
  }

 private:
  static constexpr std::chrono::seconds one_second{1};

  Reply run_prepared(Pool::Lease& lease, Call call, const Parameters& parameters) {
    if (!lease.connection().is_prepared) prepare(lease);
    return lease.connection().run_prepared(statements_.name(call), parameters);
  }

  // Effects: prepares the statements in the session, after a look at the version.
  void prepare(Pool::Lease& lease) {
    set_up(lease);
    const Reply reply = lease.connection().run(statements_.prepare());
    try {
      if (!reply.result) throw failed(lease, reply.fault, Effect::none);
      check_version(reply.result.get());
    } catch (...) {
      lease.discard();  // with what has been prepared all the same
      throw;
    }
    lease.connection().is_prepared = true;
  }

  // Effects: puts the store's settings into the session.
  void set_up(Pool::Lease& lease) {
    if (lease.connection().is_set_up) return;
    const Reply reply = lease.connection().run(session_settings_);
    if (!reply.result) throw failed(lease, reply.fault, Effect::none);
    lease.connection().is_set_up = true;
  }

  Reply run_unprepared(Pool::Lease& lease, Call call, const Parameters& parameters) {
    const char* text = statements_.checked(call);
    return begins_ ? run_read_committed(lease.connection(), text, parameters, transaction_settings_)
                   : lease.connection().run_with(text, parameters);
  }

  // Effects: closes what is of no use any more. Returns: the error.
  static StoreError failed(Pool::Lease& lease, const Fault& fault, Effect effect) {
    if (fault.lost || is_read_only(fault)) lease.discard_all();
    return statement_error(fault, effect);
  }

  const Statements statements_;
  const bool prepare_;
  const std::string session_settings_;
  // Of transactions that take several requests: if no more is heard of this client between them, as
  // of a host that is gone, the server must not hold its locks against all others.
  const std::string transaction_settings_;
  // Without settings in the session, each call begins a transaction itself once it has turned out
  // that the server's default isolation is another.
  std::atomic<bool> begins_{false};
  Pool pool_;
};

}  // namespace

std::unique_ptr<Caller> make_pooled_caller(const std::string& conninfo,
                                           PostgresStoreOptions options) {
  check_options(options);
  check_table(options.table);
  check_conninfo(conninfo);
  return std::make_unique<PooledCaller>(conninfo, options);
}

}  // namespace nexus::idempotency::postgres
