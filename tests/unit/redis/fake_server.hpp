// SPDX-License-Identifier: MIT
// Something that answers like a Redis server, as a test tells it: for what a real one can't be
// brought to do at a given moment.
#pragma once

#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "nexus/idempotency/redis/redis_store.hpp"

namespace nexus::idempotency::test {

class FakeServer {
 public:
  using Command = std::vector<std::string>;
  // Returns: the bytes of the answer; "" to close the connection instead.
  using Answer = std::function<std::string(const Command&)>;

  // Serves one connection after the other. What a new connection asks first is answered as by a
  // server that is set up rightly; `answer` is for the rest.
  explicit FakeServer(Answer answer) : answer_(std::move(answer)) {
    std::array<char, 32> name{"/tmp/nexus_redis.XXXXXX"};
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    directory_ = name.data();
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof(address.sun_path) - 1);
    if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        listen(listener_, 8) != 0) {
      throw std::runtime_error("no socket to listen on");
    }
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeServer() {
    ending_ = true;
    thread_.join();
    close(listener_);
    std::filesystem::remove_all(directory_);
  }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  // Returns: how many connections have been made so far.
  [[nodiscard]] int connections() const { return connections_; }

  [[nodiscard]] RedisStoreOptions options() const {
    RedisStoreOptions options;
    options.unix_socket = path();
    return options;
  }

 private:
  [[nodiscard]] std::string path() const { return (directory_ / "redis").string(); }

  // Returns: whether there is something to read; false once the test is over.
  [[nodiscard]] bool wait_for(int fd) const {
    while (!ending_) {
      pollfd one{fd, POLLIN, 0};
      if (poll(&one, 1, 10) > 0) return true;
    }
    return false;
  }

  void serve() {
    while (wait_for(listener_)) {
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      ++connections_;
      serve(client);
      close(client);
    }
  }

  void serve(int client) {
    const std::unique_ptr<redisReader, decltype(&redisReaderFree)> reader(redisReaderCreate(),
                                                                          &redisReaderFree);
    std::array<char, 4096> buffer{};
    while (wait_for(client)) {
      const ssize_t size = recv(client, buffer.data(), buffer.size(), 0);
      if (size <= 0) return;
      redisReaderFeed(reader.get(), buffer.data(), static_cast<std::size_t>(size));
      for (;;) {
        void* read = nullptr;
        if (redisReaderGetReply(reader.get(), &read) != REDIS_OK || read == nullptr) break;
        const std::string bytes = answer(command_of(static_cast<redisReply*>(read)));
        if (bytes.empty()) return;
        if (send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) return;
      }
    }
  }

  static Command command_of(redisReply* read) {
    Command command;
    for (std::size_t i = 0; i < read->elements; ++i) {
      command.emplace_back(read->element[i]->str, read->element[i]->len);
    }
    freeReplyObject(read);
    return command;
  }

  std::string answer(const Command& command) {
    if (command.front() != "INFO") return answer_(command);
    constexpr std::string_view info = "maxmemory_policy:noeviction\r\n";
    return "$" + std::to_string(info.size()) + "\r\n" + std::string(info) + "\r\n";
  }

  Answer answer_;
  std::filesystem::path directory_;
  int listener_ = -1;
  std::atomic<bool> ending_{false};
  std::atomic<int> connections_{0};
  std::thread thread_;
};

}  // namespace nexus::idempotency::test
