// SPDX-License-Identifier: MIT
// A host of the tests of clocks: a service that does what it is told, a line a call, and answers
// with a line.
//   <worker> <engine> <place> system|server <lease> <clock skew allowance>     in microseconds
//   now               the host's wall clock, by SystemClock, in microseconds
//   begin <name>      executed, in_progress, replayed, or another
//   complete <name>   completed, or why not
#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <variant>

#include "crash/store_maker.hpp"
#include "nexus/idempotency.hpp"
#include "nexus/idempotency/postgres/postgres_clock.hpp"
#include "nexus/idempotency/redis/redis_clock.hpp"
#include "nexus/idempotency/redis/redis_store.hpp"

namespace {

using namespace nexus::idempotency;

std::unique_ptr<IdempotencyClock> make_clock(const std::string& kind, const std::string& engine,
                                             const std::string& place) {
  if (kind == "system") return std::make_unique<SystemClock>();
  if (engine == "postgres") return std::make_unique<PostgresClock>(place);
  if (engine == "redis") {
    RedisStoreOptions server;
    server.unix_socket = place;
    return std::make_unique<RedisClock>(server);
  }
  throw std::invalid_argument("no server's clock for " + engine);
}

class Host {
 public:
  explicit Host(char** arguments)
      : store_(test::open_store(arguments[1], arguments[2])),
        clock_(make_clock(arguments[3], arguments[1], arguments[2])),
        service_(*store_, *clock_, policy(arguments[4], arguments[5])) {}

  std::string begin(const std::string& name) {
    const BeginDecision decision = service_.begin(
        {TenantId("acct_7"), OperationRef("charge"), ClientKey(name)}, RequestFingerprint("1"));
    if (const auto* first = std::get_if<FirstExecution>(&decision)) {
      attempts_.insert_or_assign(name, first->attempt);
      return "executed";
    }
    if (std::holds_alternative<InProgress>(decision)) return "in_progress";
    return std::holds_alternative<Replay>(decision) ? "replayed" : "another";
  }

  std::string complete(const std::string& name) {
    try {
      service_.complete(attempts_.at(name), ResultEnvelope(std::string("receipt")));
      return "completed";
    } catch (const CompletionError& error) {
      return std::string(to_string(error.reason()));
    }
  }

 private:
  static IdempotencyPolicy policy(const char* lease, const char* allowance) {
    IdempotencyPolicy policy;
    policy.pending_ttl = Duration(std::stoll(lease));
    policy.clock_skew_allowance = Duration(std::stoll(allowance));
    return policy;
  }

  const std::unique_ptr<IdempotencyStore> store_;
  const std::unique_ptr<IdempotencyClock> clock_;
  IdempotencyService service_;
  std::map<std::string, Attempt> attempts_;
};

}  // namespace

int main(int count, char** arguments) {
  try {
    if (count != 6) throw std::invalid_argument("five arguments are needed");
    Host host(arguments);
    for (std::string call; std::cin >> call;) {
      std::string name;
      if (call == "now") {
        std::cout << SystemClock().now().time_since_epoch().count() << std::endl;
      } else if (std::cin >> name) {
        std::cout << (call == "begin" ? host.begin(name) : host.complete(name)) << std::endl;
      }
    }
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::cerr << "a host ended: " << error.what() << std::endl;
    return EXIT_FAILURE;
  }
}
