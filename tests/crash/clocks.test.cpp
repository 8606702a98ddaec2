// SPDX-License-Identifier: MIT
// Hosts whose wall clocks are a minute ahead and a minute behind share a store: processes under
// libfaketime, which steps what SystemClock reads and leaves the steady clock alone. Nothing waits
// for a time, but for the end of one lease.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "engines/socket.hpp"
#include "nexus/idempotency/time.hpp"
#include "support/catch.hpp"
#include "support/postgres_server.hpp"
#include "support/redis_server.hpp"

namespace nexus::idempotency::test {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

struct Engine {
  std::string name;
  std::string place;
};

std::vector<Engine> every_engine() {
  return {{"postgres", postgres_conninfo()}, {"redis", redis_socket()}};
}

// How all hosts of a case judge expiry.
struct Judging {
  std::string clock;  // system or server
  Duration lease = 30s;
  Duration allowance = 0s;
};

// A process whose wall clock is off; it ends with this object.
class Host {
 public:
  Host(const Engine& engine, const Judging& judging, std::chrono::seconds off) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      throw std::runtime_error("socketpair");
    }
    line_ = Socket(ends[0]);
    const Socket others(ends[1]);
    const std::string sign = off < 0s ? "" : "+";
    const std::string faked = "FAKETIME=" + sign + std::to_string(off.count()) + "s";
    const std::vector<std::string> words{NEXUS_IDEMPOTENCY_CLOCK_WORKER,
                                         engine.name,
                                         engine.place,
                                         judging.clock,
                                         std::to_string(judging.lease.count()),
                                         std::to_string(judging.allowance.count())};
    const std::vector<std::string> settings{"LD_PRELOAD=" NEXUS_IDEMPOTENCY_LIBFAKETIME, faked,
                                            "FAKETIME_DONT_FAKE_MONOTONIC=1",
                                            "FAKETIME_DISABLE_SHM=1"};
    std::vector<char*> arguments = pointers(words);
    std::vector<char*> environment = pointers(settings);
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::dup2(others.fd(), STDIN_FILENO);
      ::dup2(others.fd(), STDOUT_FILENO);
      ::execve(arguments[0], arguments.data(), environment.data());
      ::_exit(127);
    }
    off_by_a_known_time(off);
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  ~Host() {
    line_.close();  // then it ends
    ::waitpid(pid_, nullptr, 0);
  }

  void ask(const std::string& call) const { line_.send(call + "\n"); }
  // Returns: the answer to the call asked.
  std::string answer() {
    std::size_t end = 0;
    while ((end = said_.find('\n')) == std::string::npos) {
      if (!line_.receive(said_)) throw std::runtime_error("a host has ended");
    }
    std::string answer = said_.substr(0, end);
    said_.erase(0, end + 1);
    return answer;
  }
  std::string call(const std::string& call) {
    ask(call);
    return answer();
  }

 private:
  static std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
    pointers.push_back(nullptr);
    return pointers;
  }
  static Duration wall_clock() {
    return std::chrono::duration_cast<Duration>(
        std::chrono::system_clock::now().time_since_epoch());
  }

  // Without that, nothing else means anything.
  void off_by_a_known_time(Duration off) {
    const Duration before = wall_clock();
    const Duration its = Duration(std::stoll(call("now"))) - off;
    const Duration after = wall_clock();
    REQUIRE(its >= before - 1s);
    REQUIRE(its <= after + 1s);
  }

  Socket line_;
  std::string said_;
  pid_t pid_ = -1;
};

// One that is right, one a minute ahead, one a minute behind, over one store.
struct Hosts {
  Hosts(const Engine& engine, const Judging& judging)
      : right(engine, judging, 0s), ahead(engine, judging, 60s), behind(engine, judging, -60s) {}

  Host right;
  Host ahead;
  Host behind;
  const std::vector<Host*> all{&right, &ahead, &behind};

  // Effects: `owner` begins a command, and then `other` asks for it. Returns: what that is told.
  std::string contest(Host& owner, Host& other) {
    name = fresh_name("command");
    const std::string first = owner.call("begin " + name);
    REQUIRE(first == "executed");
    return other.call("begin " + name);
  }
  std::string name{};  // of the last command
};

// Each host owns commands, and the others ask for them before and after they are completed.
void no_lease_is_stolen(const Engine& engine, const Judging& judging) {
  Hosts hosts(engine, judging);
  const auto begun = SteadyClock::now();
  for (Host* owner : hosts.all) {
    for (Host* other : hosts.all) {
      const std::string told = hosts.contest(*owner, *other);
      CHECK(told == "in_progress");
      const std::string reported = owner->call("complete " + hosts.name);
      CHECK(reported == "completed");
      const std::string replayed = other->call("begin " + hosts.name);
      CHECK(replayed == "replayed");
    }
  }
  // All of them at once.
  for (int i = 0; i < 50; ++i) {
    const std::string name = fresh_name("race");
    for (const Host* host : hosts.all) host->ask("begin " + name);
    int executions = 0;
    for (Host* host : hosts.all) {
      const std::string told = host->answer();
      CHECK((told == "executed" || told == "in_progress"));
      executions += told == "executed" ? 1 : 0;
    }
    CHECK(executions == 1);
  }
  REQUIRE(SteadyClock::now() - begun < judging.lease);  // else none of it need be
}

TEST_CASE("by the server's clock, no lease is stolen, however wrong the hosts' clocks are") {
  for (const Engine& engine : every_engine()) {
    CAPTURE(engine.name);
    no_lease_is_stolen(engine, {.clock = "server"});
  }
}

TEST_CASE("by the server's clock, a lease ends for all hosts when it is over") {
  constexpr Duration lease = 1s;
  for (const Engine& engine : every_engine()) {
    for (const auto which : {&Hosts::ahead, &Hosts::behind}) {
      CAPTURE(engine.name);
      Hosts hosts(engine, {.clock = "server", .lease = lease});
      const auto begun = SteadyClock::now();
      const auto taken = [&] { return SteadyClock::now() - begun; };
      std::string told = hosts.contest(hosts.right, hosts.*which);
      while (told == "in_progress" && taken() < 10s) {  // and not a minute
        told = (hosts.*which).call("begin " + hosts.name);
      }
      CHECK(told == "executed");
      CHECK(taken() >= lease - 200ms);  // two hosts differ by one max_round_trip at most
    }
  }
}

TEST_CASE("by their own clocks, the host that is ahead steals leases") {
  for (const Engine& engine : every_engine()) {
    CAPTURE(engine.name);
    Hosts hosts(engine, {.clock = "system"});
    const std::string by_ahead = hosts.contest(hosts.right, hosts.ahead);
    CHECK(by_ahead == "executed");
    const std::string too_late = hosts.right.call("complete " + hosts.name);
    CHECK(too_late == "superseded");
    const std::string by_right = hosts.contest(hosts.behind, hosts.right);
    CHECK(by_right == "executed");
    const std::string by_behind = hosts.contest(hosts.ahead, hosts.behind);
    CHECK(by_behind == "in_progress");
  }
}

TEST_CASE("an allowance for all of the clocks' difference keeps them from that; less does not") {
  for (const Engine& engine : every_engine()) {
    CAPTURE(engine.name);
    no_lease_is_stolen(engine, {.clock = "system", .allowance = 2min});
    Hosts hosts(engine, {.clock = "system", .allowance = 1min});
    const std::string one_minute = hosts.contest(hosts.right, hosts.ahead);
    CHECK(one_minute == "in_progress");
    const std::string two_minutes = hosts.contest(hosts.behind, hosts.ahead);
    CHECK(two_minutes == "executed");
  }
}

}  // namespace
}  // namespace nexus::idempotency::test
