// SPDX-License-Identifier: MIT
// The PostgreSQL server that a test program has to itself (POSTGRES in its
// nexus_idempotency_add_test), and statements beside those of the store under test.
#pragma once

#include <libpq-fe.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace nexus::idempotency::test {

// Returns: how the server is reached; for another database or user append " dbname=..." and the
// like.
inline std::string postgres_conninfo() {
  const char* value = std::getenv("NEXUS_IDEMPOTENCY_POSTGRES");  // NOLINT(concurrency-mt-unsafe)
  if (value == nullptr) {
    throw std::runtime_error(
        "NEXUS_IDEMPOTENCY_POSTGRES is not set: run this by ctest, or as an argument of "
        "`cmake/postgres_server.sh run`");
  }
  return value;
}

// Returns: a name that no other call gives, in this process or another: for a table, schema, role
// or database.
inline std::string fresh_name(const std::string& prefix = "t") {
  static std::atomic<int> count{0};
  return prefix + "_" + std::to_string(getpid()) + "_" + std::to_string(++count);
}

// A connection of the test's own, for statements written out.
class Sql {
 public:
  explicit Sql(const std::string& conninfo = postgres_conninfo())
      : connection_(PQconnectdb(conninfo.c_str()), &PQfinish) {
    if (PQstatus(get()) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(get()));
    PQsetNoticeProcessor(
        get(), [](void*, const char*) {}, nullptr);
  }

  [[nodiscard]] PGconn* get() const { return connection_.get(); }

  // Returns: the SQLSTATE that one or more statements end with; "" if they succeed.
  std::string try_run(const std::string& sql) { return execute(sql).sqlstate; }

  // Returns: the values of the last statement's rows, row by row; a null is "".
  // Errors: std::runtime_error if one of them fails.
  std::vector<std::string> run(const std::string& sql) {
    Outcome outcome = execute(sql);
    if (!outcome.message.empty()) throw std::runtime_error(sql + ": " + outcome.message);
    return outcome.values;
  }

  // Returns: the first value of the last statement.
  std::string value(const std::string& sql) {
    const std::vector<std::string> values = run(sql);
    if (values.empty()) throw std::runtime_error(sql + ": no row");
    return values.front();
  }

  // Returns: the process number of its session, for pg_stat_activity and the like.
  [[nodiscard]] std::string pid() const { return std::to_string(PQbackendPID(get())); }

 private:
  struct Outcome {
    std::string sqlstate;
    std::string message;
    std::vector<std::string> values;
  };

  [[nodiscard]] Outcome execute(const std::string& sql) const {
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(get(), sql.c_str()),
                                                               &PQclear);
    const ExecStatusType status = PQresultStatus(result.get());
    Outcome outcome;
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
      const char* sqlstate = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
      outcome.sqlstate = sqlstate == nullptr ? "lost" : sqlstate;
      outcome.message = PQerrorMessage(get());
      return outcome;
    }
    for (int row = 0; row < PQntuples(result.get()); ++row) {
      for (int column = 0; column < PQnfields(result.get()); ++column) {
        outcome.values.emplace_back(PQgetvalue(result.get(), row, column));
      }
    }
    return outcome;
  }

  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

// Effects: ends other sessions, of these process numbers, and waits until their processes are gone.
// (The server's function could wait itself, but only from PostgreSQL 14 on.)
inline void end_sessions(Sql& sql, const std::vector<std::string>& pids) {
  for (const std::string& pid : pids) sql.run("SELECT pg_terminate_backend(" + pid + ")");
  for (const std::string& pid : pids) {
    while (kill(static_cast<pid_t>(std::stol(pid)), 0) == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
}

// Effects: makes a database. `clauses` as in CREATE DATABASE. Returns: its conninfo.
inline std::string make_database(const std::string& clauses = "") {
  const std::string name = fresh_name("db");
  Sql().run("CREATE DATABASE " + name + " TEMPLATE template0 " + clauses);
  return postgres_conninfo() + " dbname=" + name;
}

}  // namespace nexus::idempotency::test
