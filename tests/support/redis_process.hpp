// SPDX-License-Identifier: MIT
// A further Redis server, which a test sets up, crashes and starts again as it likes. It ends with
// the test's process, however that ends.
#pragma once

#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "nexus/idempotency/redis/redis_store.hpp"
#include "support/redis_server.hpp"

namespace nexus::idempotency::test {

// Returns: a port of the loopback that was free a moment ago, below those that the system gives to
// clients.
inline int free_port() {
  std::random_device random;
  for (int tries = 0; tries < 1000; ++tries) {
    const auto port = static_cast<std::uint16_t>(10'000 + random() % 22'000);
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool is_free =
        bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    close(listener);
    if (is_free) return port;
  }
  throw std::runtime_error("no port is free");
}

class RedisProcess {
 public:
  // Starts it: on a socket, and on a port too if there is one. `settings` as on the command line of
  // redis-server; by default it is as durable as it can be.
  explicit RedisProcess(std::vector<std::string> settings = {}, int port = 0)
      : settings_(std::move(settings)), port_(port) {
    std::array<char, 32> name{"/tmp/nexus_redis.XXXXXX"};
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    directory_ = name.data();
    if (getuid() == 0) {
      if (chown(name.data(), nobody, nobody) != 0) throw std::runtime_error("chown failed");
      std::filesystem::permissions(directory_, std::filesystem::perms(0755));
    }
    again();
  }
  ~RedisProcess() {
    if (pid_ > 0) crash();
    // A child of the server's that rewrites its log outlives it for a moment, and files come and
    // go.
    std::error_code error;
    for (int tries = 0; tries < 1000 && std::filesystem::exists(directory_, error); ++tries) {
      std::filesystem::remove_all(directory_, error);
      if (error) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  RedisProcess(const RedisProcess&) = delete;
  RedisProcess& operator=(const RedisProcess&) = delete;

  // Effects: kills it by SIGKILL; it is gone afterwards.
  void crash() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  // Effects: starts it, with what is on its disk, and returns when it answers, if only with an
  // error.
  void again() {
    launch();
    for (int tries = 0; tries < 10'000; ++tries) {
      try {
        const std::string answer = RedisCli(socket()).run({"PING"});
        if (answer.substr(0, 8) != "!LOADING") return;
      } catch (const std::runtime_error&) {
        if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
          pid_ = -1;
          throw std::runtime_error("redis-server has ended");
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    throw std::runtime_error("redis-server does not answer");
  }

  // Effects: it does nothing until resume(). Connections are still made.
  void pause() const { kill(pid_, SIGSTOP); }
  void resume() const { kill(pid_, SIGCONT); }

  [[nodiscard]] std::string socket() const { return (directory_ / "redis").string(); }
  [[nodiscard]] int port() const { return port_; }

  // Returns: options for a store in it.
  [[nodiscard]] RedisStoreOptions options() const {
    RedisStoreOptions options;
    options.unix_socket = socket();
    options.prefix = fresh_prefix();
    return options;
  }

 private:
  static constexpr unsigned nobody = 65534;

  void launch() {
    std::vector<std::string> words{"redis-server",
                                   "-",
                                   "--port",
                                   std::to_string(port_),
                                   "--bind",
                                   "127.0.0.1",
                                   "--unixsocket",
                                   socket(),
                                   "--unixsocketperm",
                                   "777",
                                   "--dir",
                                   directory_.string(),
                                   "--save",
                                   "",
                                   "--appendonly",
                                   "yes",
                                   "--appendfsync",
                                   "always",
                                   "--logfile",
                                   (directory_ / "log").string(),
                                   "--repl-diskless-sync-delay",
                                   "0"};
    words.insert(words.end(), settings_.begin(), settings_.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ > 0) return;
    if (getuid() == 0 &&
        (setgroups(0, nullptr) != 0 || setgid(nobody) != 0 || setuid(nobody) != 0)) {
      _exit(126);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = open("/dev/null", O_RDWR);  // NOLINT(cppcoreguidelines-pro-type-vararg)
    for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
    execvp("redis-server", arguments.data());
    _exit(127);
  }

  std::vector<std::string> settings_;
  int port_;
  std::filesystem::path directory_;
  pid_t pid_ = -1;
};

}  // namespace nexus::idempotency::test
