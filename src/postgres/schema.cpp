// SPDX-License-Identifier: MIT
#include "postgres/schema.hpp"

#include <libpq-fe.h>

#include <string>
#include <string_view>
#include <utility>

#include "nexus/idempotency/errors.hpp"
#include "postgres/faults.hpp"
#include "postgres/libpq.hpp"
#include "postgres/session.hpp"
#include "postgres/statements.hpp"

namespace nexus::idempotency::postgres {
namespace {

class Maker {
 public:
  Maker(const Statements& statements, Session& session, bool in_transaction,
        std::string_view settings)
      : statements_(statements),
        session_(session),
        in_transaction_(in_transaction),
        settings_(settings) {}

  void make_unless_there() {
    if (is_there()) return;
    if (in_transaction_) {
      make();
      return;
    }
    run("BEGIN ISOLATION LEVEL READ COMMITTED;" + std::string(settings_));
    try {
      make();
    } catch (...) {
      static_cast<void>(session_.run("ROLLBACK"));
      throw;
    }
    run("COMMIT", Effect::committed);
  }

 private:
  // One process makes it; others wait here, and then find it. They find it by reading from it: what
  // to_regclass says after the wait may be out of date.
  void make() {
    run(statements_.lock());
    run("SAVEPOINT nexus_idempotency");
    Reply version = session_.run(statements_.read_version());
    if (version.result) {
      check_version(version.result.get());
    } else if (version.fault.sqlstate == "42P01") {
      run("ROLLBACK TO SAVEPOINT nexus_idempotency");
      run(statements_.create());
    } else {
      throw statement_error(version.fault, Effect::none);
    }
    run("RELEASE SAVEPOINT nexus_idempotency");
  }

  // Returns: whether the schema is there.
  bool is_there() {
    const Result seen = run(statements_.look());
    if (in_transaction_ && std::string_view(PQgetvalue(seen.get(), 0, 1)) != "read committed") {
      throw not_read_committed();
    }
    if (std::string_view(PQgetvalue(seen.get(), 0, 0)) != "t") return false;
    check_version(run(statements_.read_version()).get());
    return true;
  }

  Result run(const std::string& text, Effect effect = Effect::none) {
    Reply reply = session_.run(text);
    if (reply.result) return std::move(reply.result);
    throw statement_error(reply.fault, effect);
  }

  const Statements& statements_;
  Session& session_;
  bool in_transaction_;
  std::string_view settings_;
};

}  // namespace

void check_version(const PGresult* result) {
  if (PQntuples(result) != 1 || PQnfields(result) != 1 ||
      PQgetvalue(result, 0, 0) != std::to_string(schema_version)) {
    throw other_version();
  }
}

void ensure_schema(const Statements& statements, Session& session, bool in_transaction,
                   std::string_view settings) {
  Maker(statements, session, in_transaction, settings).make_unless_there();
}

}  // namespace nexus::idempotency::postgres
