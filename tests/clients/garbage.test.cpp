// SPDX-License-Identifier: MIT
// What a client may do to the payments server: the server answers with a status that says what was
// wrong, keeps its memory, and goes on to serve others.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engines/socket.hpp"
#include "support/catch.hpp"

namespace {

using namespace std::chrono_literals;
using nexus::idempotency::test::Socket;

// The server, with its books in memory; it ends with this process.
class PaymentsServer {
 public:
  PaymentsServer() {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    const Socket write_end(pipe[1]);
    Socket read_end(pipe[0]);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::dup2(pipe[1], STDOUT_FILENO);
      ::execl(NEXUS_IDEMPOTENCY_PAYMENTS_SERVER, NEXUS_IDEMPOTENCY_PAYMENTS_SERVER, "--store",
              "memory", static_cast<char*>(nullptr));
      ::_exit(127);
    }
    out_ = std::move(read_end);
    std::string line;
    char byte = 0;
    while (::read(out_.fd(), &byte, 1) == 1 && byte != '\n') line += byte;
    port_ = static_cast<std::uint16_t>(std::stoi(line.substr(line.rfind(':') + 1)));
  }
  PaymentsServer(const PaymentsServer&) = delete;
  PaymentsServer& operator=(const PaymentsServer&) = delete;
  ~PaymentsServer() {
    if (pid_ > 0) stop(SIGKILL);
  }

  // Returns: its exit status; under a sanitizer another than 0 if there was a leak.
  int stop(int signal) {
    int status = -1;
    ::kill(pid_, signal);
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

  [[nodiscard]] Socket connect() const {
    Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("can't connect");
    }
    return socket;
  }

  // Returns: all that it answers until it closes the connection, which it is asked for.
  [[nodiscard]] std::string answer_to(std::string_view bytes) const {
    const Socket socket = connect();
    socket.send(bytes);
    ::shutdown(socket.fd(), SHUT_WR);
    return rest_of(socket);
  }

  static std::string rest_of(const Socket& socket) {
    std::string answer;
    while (socket.receive(answer)) {
    }
    return answer;
  }

  // Returns: the most memory that it ever had, in KiB.
  [[nodiscard]] std::size_t peak_kib() const {
    std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
    std::string word;
    std::size_t kib = 0;
    while (status >> word) {
      if (word == "VmHWM:") status >> kib;
    }
    return kib;
  }

 private:
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
  Socket out_;
};

// Returns: the status of an answer, 0 if it is none.
int status_of(const std::string& answer) {
  constexpr std::string_view begin = "HTTP/1.1 ";
  if (answer.rfind(begin, 0) != 0) return 0;
  return std::stoi(answer.substr(begin.size(), 3));
}

std::string post(const std::string& fields, const std::string& body) {
  return "POST /v1/charges HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "
         "sk\r\n" +
         fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// It still serves; and nothing but this was ever executed.
void check_that_it_serves(const PaymentsServer& server) {
  const std::string answer = server.answer_to(post("Idempotency-Key: good\r\n", "amount=1"));
  CHECK(status_of(answer) == 200);
  const std::string ledger =
      server.answer_to("GET /v1/ledger HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(status_of(ledger) == 200);
  CHECK(ledger.find("\"id\":\"ch_1\"") != std::string::npos);
  CHECK(ledger.find("\"id\":\"ch_2\"") == std::string::npos);
}

// Sends `piece` until the server has had enough of it, or `times` of it.
std::string flood(const PaymentsServer& server, const std::string& begin, const std::string& piece,
                  std::size_t times) {
  const Socket socket = server.connect();
  socket.send(begin);
  for (std::size_t i = 0; i < times; ++i) {
    if (!socket.send(piece)) break;
  }
  ::shutdown(socket.fd(), SHUT_WR);
  return PaymentsServer::rest_of(socket);
}

// How much more memory the server may take than for ordinary requests. A sanitizer keeps what is
// freed, so with one this can't be told.
constexpr std::size_t bound_kib = 64 * 1024;
#if defined(__SANITIZE_ADDRESS__)
constexpr bool memory_can_be_told = false;
#elif defined(__has_feature)
constexpr bool memory_can_be_told =
    !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer);
#else
constexpr bool memory_can_be_told = true;
#endif

TEST_CASE("requests that make no sense get an answer that says so") {
  PaymentsServer server;
  struct Case {
    std::string request;
    int status;
  };
  const std::string head = "POST /v1/charges HTTP/1.1\r\nConnection: close\r\n";
  const std::string bearer = "Authorization: Bearer sk\r\n";
  const std::string key = "Idempotency-Key: bad\r\n";
  const std::vector<Case> cases = {
      {post("", "a"), 400},                               // no key
      {post(key + key, "a"), 400},                        // two
      {post("Idempotency-Key: a b\r\n", "a"), 400},       // bare, and a space
      {post("Idempotency-Key: \"a\r\n", "a"), 400},       // a quote that is not closed
      {post("Idempotency-Key: \xC3\xBC\r\n", "a"), 400},  // not ASCII
      {post("Idempotency-Key: \x01\r\n", "a"), 400},
      {post("Idempotency-Key:\r\n", "a"), 400},
      {post("Idempotency-Key: " + std::string(257, 'k') + "\r\n", "a"), 400},
      {head + key + "Content-Length: 1\r\n\r\na", 401},
      {head + key + "Authorization: Basic sk\r\nContent-Length: 1\r\n\r\na", 401},
      {head + key + "Authorization: Bearer \r\nContent-Length: 1\r\n\r\na", 401},
      {head + key + bearer + bearer + "Content-Length: 1\r\n\r\na", 401},
      {head + key + bearer + "Content-Length: -1\r\n\r\n", 400},
      {head + key + bearer + "Content-Length: 1x\r\n\r\na", 400},
      {head + key + bearer + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
      {head + key + bearer + "Content-Length: 99999999999999999999\r\n\r\na", 413},
      {head + key + bearer + "Content-Length: 1048577\r\n\r\na", 413},
      {head + key + bearer + "Content-Length: 5\r\n\r\nabcd", 400},  // and then it ends
      {head + key + bearer + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       400},
      {head + key + bearer + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {head + key + bearer + "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", 400},
      {"POST /v1/" + std::string(150, 'a') + " HTTP/1.1\r\n" + bearer + key +
           "Connection: close\r\nContent-Length: 0\r\n\r\n",
       404},  // no name for an operation
      {"POST /v1/\xFF\xFE HTTP/1.1\r\n" + bearer + key + "Content-Length: 0\r\n\r\n", 404},
      {"GET /v2 HTTP/1.1\r\nConnection: close\r\n\r\n", 404},
      {"GET /v1/ledger HTTP/9.9\r\n\r\n", 400},
      {"BREW /v1/charges HTTP/1.1\r\n\r\n", 400},
      {"\x16\x03\x01\x02\r\n\r\n", 400},  // TLS
      {"GET / HTTP/1.1\r\n" + std::string(40000, 'h') + ": 1\r\n\r\n", 431},
      {std::string(40000, 'g') + "\r\n\r\n", 431},
      {"GET /" + std::string(9000, 'g') + " HTTP/1.1\r\n\r\n", 414},
  };
  for (const Case& each : cases) {
    const std::string answer = server.answer_to(each.request);
    INFO(each.request.substr(0, 300) << "\n\n" << answer.substr(0, 600));
    CHECK(status_of(answer) == each.status);
    CHECK(answer.find("application/problem+json") != std::string::npos);
  }
  check_that_it_serves(server);
  CHECK(server.stop(SIGTERM) == 0);
}

TEST_CASE("random bytes never end the server") {
  PaymentsServer server;
  std::mt19937 random(20240611);
  const std::string good = post("Idempotency-Key: bad\r\nX: y\r\n", "amount=1");
  for (int i = 0; i < 300; ++i) {
    // Half of them begin well, and then go wrong. None has a key that is taken for one.
    std::string bytes = i % 2 == 0 ? good.substr(0, random() % 110) : "";
    const std::size_t size = random() % 2000;
    for (std::size_t j = 0; j < size; ++j) bytes += static_cast<char>(random());
    const std::string answer = server.answer_to(bytes);
    if (!answer.empty()) CHECK(status_of(answer) >= 400);
  }
  check_that_it_serves(server);
  CHECK(server.stop(SIGTERM) == 0);
}

TEST_CASE("what has no end takes no more memory than what is allowed") {
  PaymentsServer server;
  check_that_it_serves(server);
  const std::size_t before = server.peak_kib();
  const std::string mebibyte(std::size_t{1} << 20, 'x');
  std::string lines;
  while (lines.size() < mebibyte.size()) lines += "X: y\r\n";
  const std::string head =
      "POST /v1/charges HTTP/1.1\r\nAuthorization: Bearer sk\r\nIdempotency-Key: bad\r\n";

  struct Case {
    std::string begin;
    std::string piece;
    int status;
  };
  const std::vector<Case> cases = {
      {"", mebibyte, 431},                       // a request line
      {"GET / HTTP/1.1\r\nX: ", mebibyte, 431},  // a line of the header
      {"GET / HTTP/1.1\r\n", lines, 431},        // lines of it
      {head + "Transfer-Encoding: chunked\r\n\r\n", "100000\r\n" + mebibyte + "\r\n", 413},
      {head + "Content-Length: 1000000000\r\n\r\n", mebibyte, 413},
  };
  std::vector<std::string> answers(cases.size() * 4);
  std::vector<std::thread> clients;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    clients.emplace_back([&, i] {
      const Case& each = cases[i % cases.size()];
      answers[i] = flood(server, each.begin, each.piece, 256);
    });
  }
  for (std::thread& client : clients) client.join();
  for (std::size_t i = 0; i < answers.size(); ++i) {
    // Who sends on without listening may lose the answer; that is for the client to bear.
    INFO(i << answers[i].substr(0, 300));
    CHECK((answers[i].empty() || status_of(answers[i]) == cases[i % cases.size()].status));
  }
  if (memory_can_be_told) {
    INFO(before << " KiB before, " << server.peak_kib() << " at most");
    CHECK(server.peak_kib() < before + bound_kib);
  }
  check_that_it_serves(server);
  CHECK(server.stop(SIGTERM) == 0);
}

TEST_CASE("clients that hardly ever send are told so, and keep nobody from being served") {
  PaymentsServer server;
  std::vector<Socket> slow;
  for (int i = 0; i < 8; ++i) {
    slow.push_back(server.connect());
    slow.back().send(i % 2 == 0 ? "POST /v1/char"
                                : post("Idempotency-Key: bad\r\n", "abcd").substr(0, 120));
  }
  check_that_it_serves(server);
  // A byte now and then does not help: it is the whole request that has its time.
  std::vector<std::string> answers(slow.size());
  std::vector<std::thread> clients;
  for (std::size_t i = 0; i < slow.size(); ++i) {
    clients.emplace_back([&, i] {
      timeval second{1, 0};
      ::setsockopt(slow[i].fd(), SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
      std::array<char, 1024> buffer{};
      for (int seconds = 0; seconds < 60; ++seconds) {
        const ssize_t got = ::recv(slow[i].fd(), buffer.data(), buffer.size(), 0);
        if (got > 0) answers[i].append(buffer.data(), static_cast<std::size_t>(got));
        if (got == 0) return;
        if (got < 0) slow[i].send("a");
      }
    });
  }
  for (std::thread& client : clients) client.join();
  for (const std::string& answer : answers) CHECK(status_of(answer) == 408);
  check_that_it_serves(server);
  CHECK(server.stop(SIGTERM) == 0);
}

}  // namespace
