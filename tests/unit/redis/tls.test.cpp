// SPDX-License-Identifier: MIT
// The store and the clock over TLS: whom they trust, and that nothing else changes.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/redis/redis_clock.hpp"
#include "nexus/idempotency/redis/redis_store.hpp"
#include "support/catch.hpp"
#include "support/redis_process.hpp"
#include "support/redis_server.hpp"
#include "support/tls_files.hpp"
#include "unit/redis/samples.hpp"

namespace {

using namespace nexus::idempotency;
using namespace std::chrono_literals;
using test::caught;
using test::completed;
using test::guard_of;
using test::key;
using test::pending;
using test::RedisCli;
using test::RedisProcess;

const test::TlsFiles& files() {
  static const test::TlsFiles all;
  return all;
}

RedisStoreOptions options_for(int port) {
  RedisStoreOptions options;
  options.port = static_cast<std::uint16_t>(port);
  options.prefix = test::fresh_prefix();
  options.tls = true;
  options.tls_ca_file = files().file("ca.pem");
  return options;
}

// Checks that neither store nor clock gets through.
void check_refused(const RedisStoreOptions& options, StoreErrc code, const std::string& what) {
  RedisIdempotencyStore store(options);
  for (int i = 0; i < 2; ++i) {
    const StoreError error = caught([&] { (void)store.claim_pending(pending()); });
    INFO(error.what());
    CHECK(error.code() == code);
    CHECK(std::string(error.what()).find(what) != std::string::npos);
    CHECK(std::string(error.what()).find("/tmp") == std::string::npos);
  }
  RedisClock clock(options);
  CHECK(caught([&] { (void)clock.now(); }).code() == code);
}

// What listens, takes one connection after the other, and answers a greeting with `answer`: or with
// nothing if it is "".
class Listener {
 public:
  explicit Listener(std::string answer) : answer_(std::move(answer)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        listen(listener_, 8) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no port to listen on");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Listener() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  [[nodiscard]] int port() const { return port_; }

 private:
  void serve() {
    for (;;) {
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      std::array<char, 4096> buffer{};
      // Until the client hangs up.
      while (recv(client, buffer.data(), buffer.size(), 0) > 0) {
        if (!answer_.empty()) (void)send(client, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      }
      close(client);
    }
  }

  const std::string answer_;
  int listener_ = -1;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace

TEST_CASE("a server whose certificate is right, by address and by name") {
  const int port = test::free_port();
  RedisProcess server(files().settings(port));
  RedisStoreOptions options = options_for(port);
  options.host = GENERATE("127.0.0.1", "localhost");
  RedisIdempotencyStore store(options);
  CHECK(store.claim_pending(pending()).claimed_new());
  CHECK(store.save_if(guard_of(pending()), completed(pending())));
  CHECK(store.find(key()) == completed(pending()));
  CHECK_NOTHROW(RedisClock(options).now());
}

TEST_CASE("TLS 1.2 will do, and nothing older") {
  const auto [protocols, works] = GENERATE(
      table<std::string, bool>({{"TLSv1.2", true}, {"TLSv1.3", true}, {"TLSv1.1", false}}));
  INFO(protocols);
  const int port = test::free_port();
  std::vector<std::string> settings = files().settings(port);
  settings.insert(settings.end(),
                  {"--tls-protocols", protocols, "--tls-ciphers", "ALL@SECLEVEL=0"});
  RedisProcess server(settings);
  if (works) {
    CHECK(RedisIdempotencyStore(options_for(port)).claim_pending(pending()).claimed_new());
  } else {
    check_refused(options_for(port), StoreErrc::misconfigured, "protocol version");
  }
}

TEST_CASE("a certificate that is not right: misconfigured, with the reason") {
  const auto [certificate, ca, host, name, reason] =
      GENERATE(table<std::string, std::string, std::string, std::string, std::string>({
          {"localhost", "other_ca.pem", "127.0.0.1", "", "signed certificate"},
          {"localhost", "", "127.0.0.1", "", "signed certificate"},
          {"elsewhere", "ca.pem", "127.0.0.1", "", "IP address mismatch"},
          {"elsewhere", "ca.pem", "localhost", "", "hostname mismatch"},
          {"localhost", "ca.pem", "127.0.0.1", "elsewhere.test", "hostname mismatch"},
          {"localhost", "ca.pem", "localhost", "127.0.0.2", "IP address mismatch"},
          {"expired", "ca.pem", "127.0.0.1", "", "certificate has expired"},
      }));
  INFO(certificate << " " << ca << " " << host << " " << name);
  const int port = test::free_port();
  RedisProcess server(files().settings(port, certificate));
  RedisStoreOptions options = options_for(port);
  options.tls_ca_file = ca.empty() ? "" : files().file(ca);
  options.host = host;
  options.tls_server_name = name;
  check_refused(options, StoreErrc::misconfigured, reason);
}

TEST_CASE("another name than the host's can be asked for") {
  const int port = test::free_port();
  RedisProcess server(files().settings(port, "elsewhere"));
  RedisStoreOptions options = options_for(port);
  options.tls_server_name = "elsewhere.test";
  CHECK(RedisIdempotencyStore(options).claim_pending(pending()).claimed_new());
}

TEST_CASE("a cluster's node, of which another address is announced than it was found by") {
  const int port = test::free_port();
  const std::string certificate = GENERATE("localhost", "elsewhere");
  std::vector<std::string> settings = files().settings(port, certificate);
  settings.insert(settings.end(), {"--cluster-enabled", "yes", "--tls-cluster", "yes",
                                   "--cluster-announce-ip", "127.0.0.1"});
  RedisProcess node(settings, test::free_port());
  RedisCli cli(node.socket());
  REQUIRE(cli.run({"CLUSTER", "ADDSLOTSRANGE", "0", "16383"}) == "OK");
  while (cli.run({"CLUSTER", "INFO"}).find("cluster_state:ok") == std::string::npos) {
    std::this_thread::sleep_for(2ms);
  }
  RedisStoreOptions options = options_for(port);
  options.host = "localhost";
  options.cluster = true;
  if (certificate == "elsewhere") options.tls_server_name = "elsewhere.test";
  RedisIdempotencyStore store(options);
  CHECK(store.claim_pending(pending()).claimed_new());
  CHECK(store.find(key()) == pending());
}

TEST_CASE("a server that asks for a certificate") {
  const auto protocol = GENERATE("TLSv1.2", "TLSv1.3");
  const int port = test::free_port();
  std::vector<std::string> settings = files().settings(port, "localhost", "yes");
  settings.insert(settings.end(), {"--tls-protocols", protocol});
  RedisProcess server(settings);
  RedisStoreOptions options = options_for(port);
  check_refused(options, StoreErrc::misconfigured, "alert");
  options.tls_certificate_file = files().file("other_ca.pem");
  options.tls_key_file = files().file("other_ca.key");
  check_refused(options, StoreErrc::misconfigured, "alert");
  options.tls_certificate_file = files().file("client.pem");
  options.tls_key_file = files().file("client.key");
  CHECK(RedisIdempotencyStore(options).claim_pending(pending()).claimed_new());
}

TEST_CASE("a server that speaks no TLS: misconfigured") {
  Listener plain("-ERR unknown command\r\n");
  check_refused(options_for(plain.port()), StoreErrc::misconfigured, "wrong version number");
}

TEST_CASE("a server that never answers: unavailable after connect_timeout") {
  Listener silent("");
  RedisStoreOptions options = options_for(silent.port());
  options.connect_timeout = 50ms;
  options.command_timeout = 1h;
  check_refused(options, StoreErrc::unavailable, "TLS was set up");
}

TEST_CASE("a server that is not there: unavailable") {
  check_refused(options_for(test::free_port()), StoreErrc::unavailable, "no connection");
}

TEST_CASE("a server that stalls after the handshake: in doubt after command_timeout") {
  const int port = test::free_port();
  RedisProcess server(files().settings(port));
  RedisStoreOptions options = options_for(port);
  options.command_timeout = 50ms;
  RedisIdempotencyStore store(options);
  REQUIRE(store.claim_pending(pending()).claimed_new());
  server.pause();
  CHECK(caught([&] { (void)store.claim_pending(pending("new")); }).code() == StoreErrc::in_doubt);
  server.resume();
  options.command_timeout = 1min;
  CHECK(RedisIdempotencyStore(options).find(key()) == pending());
}

TEST_CASE("results of every size come back as they were, by many threads") {
  const int port = test::free_port();
  RedisProcess server(files().settings(port));
  RedisIdempotencyStore store(options_for(port));
  const auto work = [&](const std::string& name, std::size_t size) {
    const IdempotencyRecord record = pending(name);
    IdempotencyRecord done = completed(record);
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 251);
    done.result = ResultEnvelope(bytes);
    return store.claim_pending(record).claimed_new() && store.save_if(guard_of(record), done) &&
           store.find(record.key) == done;
  };
  // At the edges of TLS's records, and the largest.
  const std::vector<std::size_t> sizes{1, 16'383, 16'384, 16'385, 32'768, 65'535, 65'536};
  std::vector<std::future<bool>> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.push_back(std::async(std::launch::async, [&, thread] {
      bool all = true;
      for (const std::size_t size : sizes) {
        all = work(std::to_string(thread) + "/" + std::to_string(size), size) && all;
      }
      return all;
    }));
  }
  for (auto& thread : threads) CHECK(thread.get());
}

TEST_CASE("one thread needs one connection, with either version of TLS") {
  const auto protocol = GENERATE("TLSv1.2", "TLSv1.3");
  const int port = test::free_port();
  std::vector<std::string> settings = files().settings(port);
  settings.insert(settings.end(), {"--tls-protocols", protocol});
  RedisProcess server(settings);
  RedisCli cli(server.socket());
  const auto connections = [&] {
    const std::string stats = cli.run({"INFO", "stats"});
    const std::string line = "total_connections_received:";
    return std::stoi(stats.substr(stats.find(line) + line.size()));
  };
  const int before = connections();
  RedisIdempotencyStore store(options_for(port));
  for (int i = 0; i < 20; ++i) CHECK_FALSE(store.find(key()));
  CHECK(connections() == before + 1);
}

TEST_CASE("connections that were closed while idle, by the server or with it, are replaced") {
  const int port = test::free_port();
  RedisProcess server(files().settings(port));
  RedisIdempotencyStore store(options_for(port));
  REQUIRE(store.claim_pending(pending()).claimed_new());
  RedisCli(server.socket()).run({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
  CHECK(store.save_if(guard_of(pending()), completed(pending())));
  server.crash();
  CHECK(caught([&] { (void)store.find(key()); }).code() == StoreErrc::unavailable);
  server.again();
  CHECK(store.find(key()) == completed(pending()));
}

TEST_CASE("options of TLS that can't be meant, and files that can't be used, are refused") {
  const std::vector<std::function<void(RedisStoreOptions&)>> changes{
      [](auto& o) { o.tls = false; },
      [](auto& o) { o.unix_socket = "/tmp/socket"; },
      [](auto& o) { o.tls_ca_file = "/nonexistent"; },
      [](auto& o) { o.tls_ca_file = files().file("make.sh"); },
      [](auto& o) { o.tls_certificate_file = files().file("client.pem"); },
      [](auto& o) { o.tls_key_file = files().file("client.key"); },
      [](auto& o) { o.tls_server_name = std::string("a\0b", 3); }};
  for (const auto& change : changes) {
    RedisStoreOptions options = options_for(1);
    CHECK_NOTHROW(RedisIdempotencyStore(options));
    change(options);
    CHECK_THROWS_AS(RedisIdempotencyStore(options), InvalidValueError);
    CHECK_THROWS_AS(RedisClock(options), InvalidValueError);
  }
  const auto with = [](const std::string& certificate, const std::string& key_file) {
    RedisStoreOptions options = options_for(1);
    options.tls_certificate_file = files().file(certificate);
    options.tls_key_file = files().file(key_file);
    return options;
  };
  CHECK_NOTHROW(RedisIdempotencyStore(with("client.pem", "client.key")));
  CHECK_THROWS_AS(RedisIdempotencyStore(with("client.pem", "localhost.key")), InvalidValueError);
  CHECK_THROWS_AS(RedisIdempotencyStore(with("client.pem", "locked.key")), InvalidValueError);
  CHECK_THROWS_AS(RedisIdempotencyStore(with("absent.pem", "client.key")), InvalidValueError);
  CHECK_THROWS_AS(RedisIdempotencyStore(with("client.pem", "absent.key")), InvalidValueError);
}
