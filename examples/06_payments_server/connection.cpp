// SPDX-License-Identifier: MIT
#include "connection.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>

namespace payments {
namespace {

using namespace std::chrono_literals;

// Waits for `events`. Returns: whether there are any.
bool wait(int socket, short events, std::chrono::steady_clock::time_point until) {
  pollfd poller{socket, events, 0};
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    const int ready = ::poll(&poller, 1, static_cast<int>(std::max(left, 0ms).count()));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

void loopback_port(int (*name)(int, sockaddr*, socklen_t*), int socket, std::string& ip,
                   int& port) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  if (name(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) return;
  ip = "127.0.0.1";
  port = ntohs(address.sin_port);
}

}  // namespace

std::string problem_body(int status, const std::string& text) {
  return R"({"type":"about:blank","title":")" + text + R"(","status":)" + std::to_string(status) +
         "}";
}

Connection::~Connection() {
  if (!dropped_) {
    // To close while the client is sending would take our answer from it. So say that there will
    // be no more, and listen to what is on its way: for a while, as it may have no end.
    ::shutdown(socket_, SHUT_WR);
    const auto until = Clock::now() + 1s;
    std::size_t most = std::size_t{16} << 20;
    while (most > 0 && wait(socket_, POLLIN, until)) {
      const ssize_t got = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
      if (got <= 0) break;
      most -= std::min(most, static_cast<std::size_t>(got));
    }
  }
  ::close(socket_);
  current_ = nullptr;
}

bool Connection::await_request(const std::atomic<bool>& stopping) {
  const auto until = Clock::now() + max_idle_time;
  while (begin_ == end_) {
    if (stopping || Clock::now() >= until) return false;
    if (wait(socket_, POLLIN, std::min(until, Clock::now() + 100ms)) && !fill(until)) return false;
  }
  current_ = this;
  deadline_ = Clock::now() + max_request_time;
  in_head_ = true;
  head_size_ = 0;
  return true;
}

void Connection::answer() {
  if (fault_ != 0) {
    const std::string body = problem_body(
        fault_, fault_ == 408 ? "The request took too long to arrive" : "The header is too large");
    const std::string reason =
        fault_ == 408 ? "Request Timeout" : "Request Header Fields Too Large";
    written_ = "HTTP/1.1 " + std::to_string(fault_) + ' ' + reason +
               "\r\nContent-Type: application/problem+json\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
  }
  if (!dropped_ && !send_written()) dropped_ = true;
}

bool Connection::is_readable() const {
  return begin_ != end_ || wait(socket_, POLLIN, Clock::now());
}

bool Connection::is_writable() const {
  return !dropped_ && wait(socket_, POLLOUT, Clock::now() + max_write_wait);
}

ssize_t Connection::read(char* to, std::size_t size) {
  if (fault_ != 0 || dropped_) return -1;
  if (in_head_ && head_size_ >= max_head) {
    fault_ = 431;
    return -1;
  }
  if (begin_ == end_ && !fill(deadline_)) {
    if (fault_ != 0) return -1;
    return 0;  // the client has closed
  }
  const std::size_t taken = std::min(size, end_ - begin_);
  std::memcpy(to, buffer_.data() + begin_, taken);
  begin_ += taken;
  if (in_head_) head_size_ += taken;
  return static_cast<ssize_t>(taken);
}

bool Connection::fill(Clock::time_point until) {
  begin_ = end_ = 0;
  if (!send_written()) return false;  // the client may wait for it: "100 Continue"
  if (!wait(socket_, POLLIN, until)) {
    fault_ = 408;
    return false;
  }
  const ssize_t got = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
  if (got <= 0) return false;
  end_ = static_cast<std::size_t>(got);
  return true;
}

ssize_t Connection::write(const char* from, std::size_t size) {
  // After a fault the library would answer as if it had read all: answer() knows better.
  if (fault_ == 0 && !dropped_) written_.append(from, size);
  return static_cast<ssize_t>(size);
}

bool Connection::send_written() {
  const char* from = written_.data();
  const char* const end = from + written_.size();
  while (from != end) {
    if (!wait(socket_, POLLOUT, Clock::now() + max_write_wait)) return false;
    const ssize_t sent =
        ::send(socket_, from, static_cast<std::size_t>(end - from), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) return false;
    from += sent;
  }
  written_.clear();
  return true;
}

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  loopback_port(&::getpeername, socket_, ip, port);
}

void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
  loopback_port(&::getsockname, socket_, ip, port);
}

}  // namespace payments
