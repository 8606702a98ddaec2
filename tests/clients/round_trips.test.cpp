// SPDX-License-Identifier: MIT
// How often the payments server goes to its store, counted at the store: what the layer adds to a
// charge, and that a replay takes one round trip and nothing else.
#include <hiredis/hiredis.h>
#include <httplib.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/durable/counted_syncs.hpp"
#include "books.hpp"
#include "charges.hpp"
#include "engines/fault_proxy.hpp"
#include "engines/postgres_faults.hpp"
#include "options.hpp"
#include "support/catch.hpp"

namespace {

using namespace payments;

constexpr std::size_t calls = 10;

// The server's own code, without its sockets.
class Service {
 public:
  explicit Service(const std::string& store) : books_(open_books(store, {})) {
    without_.without_layer = true;
  }

  void fresh() { CHECK_FALSE(charge(with_, "key-" + std::to_string(++keys_))); }
  void replay() { CHECK(charge(with_, "key-1")); }
  void without_layer() { CHECK_FALSE(charge(without_, "key-1")); }

 private:
  // Returns: whether the answer is a replay.
  bool charge(const Options& options, const std::string& key) {
    httplib::Request request;
    request.method = "POST";
    request.target = "/v1/charges";
    request.set_header("Authorization", "Bearer sk_test");
    request.set_header("Content-Type", "application/json");
    request.set_header("Idempotency-Key", key);
    httplib::Response response;
    Charges(*books_, options).post(request, R"({"amount":5})", response);
    CHECK(response.status == 200);
    return response.has_header("Idempotent-Replayed");
  }

  Options with_;
  Options without_;
  std::unique_ptr<Books> books_;
  int keys_ = 0;
};

// Returns: what `count` grows by in one call, which is the same in each of many.
std::size_t per_call(const std::function<std::size_t()>& count, const std::function<void()>& call) {
  call();  // opens connections and prepares statements
  const std::size_t before = count();
  for (std::size_t i = 0; i < calls; ++i) call();
  const std::size_t all = count() - before;
  CHECK(all % calls == 0);
  return all / calls;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  REQUIRE(value != nullptr);
  return value;
}

// What clients have asked a Redis server for since the last time.
class RedisMonitor {
 public:
  explicit RedisMonitor(const std::string& socket)
      : watching_(redisConnectUnix(socket.c_str()), &redisFree),
        marking_(redisConnectUnix(socket.c_str()), &redisFree) {
    freeReplyObject(redisCommand(watching_.get(), "MONITOR"));
  }

  // Returns: the number of commands so far. What a script does is part of the command that runs it.
  std::size_t commands() {
    freeReplyObject(redisCommand(marking_.get(), "ECHO here"));
    for (;;) {
      void* reply = nullptr;
      REQUIRE(redisGetReply(watching_.get(), &reply) == REDIS_OK);
      const std::string line(static_cast<redisReply*>(reply)->str);
      freeReplyObject(reply);
      if (line.find(R"("ECHO" "here")") != std::string::npos) return commands_;
      if (line.find(" lua] ") == std::string::npos) ++commands_;
    }
  }

 private:
  std::unique_ptr<redisContext, decltype(&redisFree)> watching_;
  std::unique_ptr<redisContext, decltype(&redisFree)> marking_;
  std::size_t commands_ = 0;
};

}  // namespace

TEST_CASE("SQLite: a charge has its claim as a second transaction, a replay writes nothing") {
  namespace benchmarks = nexus::idempotency::benchmarks;
  benchmarks::count_syncs();
  std::string pattern = (std::filesystem::temp_directory_path() / "round_trips.XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  {
    Service service("sqlite:" + pattern + "/payments.db");
    const auto syncs = [] {
      const benchmarks::SyncCount count = benchmarks::sync_count();
      return static_cast<std::size_t>(count.log + count.database);
    };
    CHECK(per_call(syncs, [&] { service.fresh(); }) == 2);
    CHECK(per_call(syncs, [&] { service.without_layer(); }) == 1);
    CHECK(per_call(syncs, [&] { service.replay(); }) == 0);
  }
  std::filesystem::remove_all(pattern);
}

TEST_CASE("PostgreSQL: the layer adds the claim and the outcome; a replay is one round trip") {
  namespace test = nexus::idempotency::test;
  const std::string server = environment("NEXUS_IDEMPOTENCY_POSTGRES");
  test::FaultProxy proxy(test::postgres_socket(server), test::postgres_protocol());
  Service service("postgres:" + through(proxy, server));
  const auto requests = [&] { return proxy.tally().requests; };
  CHECK(per_call(requests, [&] { service.without_layer(); }) == 3);  // BEGIN, INSERT, COMMIT
  CHECK(per_call(requests, [&] { service.fresh(); }) == 3 + 2);
  CHECK(per_call(requests, [&] { service.replay(); }) == 1);
}

TEST_CASE("Redis: the layer adds the claim and the outcome; a replay is one round trip") {
  const std::string socket = environment("NEXUS_IDEMPOTENCY_REDIS");
  RedisMonitor monitor(socket);
  Service service("redis:" + socket);
  const auto commands = [&] { return monitor.commands(); };
  CHECK(per_call(commands, [&] { service.without_layer(); }) == 1);
  CHECK(per_call(commands, [&] { service.fresh(); }) == 1 + 2);
  CHECK(per_call(commands, [&] { service.replay(); }) == 1);
}
