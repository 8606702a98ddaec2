// SPDX-License-Identifier: MIT
#include "redis/connection.hpp"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "redis/address.hpp"
#include "redis/commands.hpp"
#include "redis/hiredis.hpp"
#include "redis/tls.hpp"
#include "stores/milliseconds.hpp"

namespace nexus::idempotency::redis {
namespace {

// Returns: whether one of the events happened by `deadline`.
bool wait_for(int socket, short events, stores::Deadline deadline) {
  pollfd one{socket, events, 0};
  for (;;) {
    const int ready = poll(&one, 1, stores::milliseconds_until(deadline));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

timeval to_timeval(std::chrono::milliseconds time) {
  timeval out{};
  out.tv_sec = time.count() / 1000;
  out.tv_usec = time.count() % 1000 * 1000;
  return out;
}

constexpr std::size_t buffer_size = 16384;
constexpr int at_once = MSG_DONTWAIT | MSG_NOSIGNAL;

bool may_go_on() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

}  // namespace

Connection::Connection(const Address& address, std::chrono::milliseconds timeout,
                       std::chrono::milliseconds usual_wait, const TlsContext* tls)
    : receive_timeout_(usual_wait) {
  const stores::Deadline deadline = stores::deadline_in(timeout);
  const timeval time = to_timeval(timeout);
  context_.reset(address.unix_socket.empty()
                     ? redisConnectWithTimeout(address.host.c_str(), address.port, time)
                     : redisConnectUnixWithTimeout(address.unix_socket.c_str(), time));
  if (!context_ || context_->err == REDIS_ERR_OOM) throw std::bad_alloc();
  if (context_->err != 0) throw StoreError(StoreErrc::unavailable, "no connection to the server");
  const int socket = context_->fd;
  // A connection that something on the way has dropped is noticed while it is idle.
  if (address.unix_socket.empty() && redisEnableKeepAlive(context_.get()) != REDIS_OK) {
    throw StoreError(StoreErrc::unavailable, "the connection's socket can't be set up");
  }
  const timeval longest = to_timeval(receive_timeout_);
  if (fcntl(socket, F_SETFD, FD_CLOEXEC) == -1 ||
      setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof(longest)) == -1) {
    throw StoreError(StoreErrc::unavailable, "the connection's socket can't be set up");
  }
  if (tls == nullptr) return;
  tls_.emplace(*tls, address.host);
  start_tls(deadline);
}

bool Connection::is_alive() {
  if (given_up_) return false;
  // What is there is taken, and nothing waited for.
  std::array<char, buffer_size> buffer;
  for (;;) {
    if (tls_) {
      const auto read = tls_->read(buffer);
      if (!read || *read > 0) return false;
    }
    const ssize_t received = recv(context_->fd, buffer.data(), buffer.size(), at_once);
    if (received < 0) return may_go_on();
    // Between commands there is nothing to read but the end. But TLS itself may have something to
    // say, a session ticket for one; it may also have come with the last answer.
    if (received == 0 || !tls_) return false;
    tls_->feed({buffer.data(), static_cast<std::size_t>(received)});
  }
}

std::vector<Reply> Connection::run(const Commands& commands, stores::Deadline deadline) {
  std::vector<Reply> replies(commands.count());
  given_up_ = true;  // unless all goes well
  const bool sent = send(commands.bytes(), deadline);
  for (Reply& reply : replies) {
    if (!receive(reply, deadline)) return {};
    if (sent) continue;
    // The server has closed the connection, but may have said why: that it has too many.
    if (!is_error(reply)) return {};
    replies.resize(1);
    return replies;
  }
  // What came behind the answers belongs to no command.
  given_up_ = context_->reader->pos < context_->reader->len;
  return replies;
}

bool Connection::send(std::string_view bytes, stores::Deadline deadline) {
  if (!tls_) return send_raw(bytes, deadline);
  return tls_->write(bytes) && send_raw(tls_->take_outgoing(), deadline);
}

bool Connection::send_raw(std::string_view bytes, stores::Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(context_->fd, bytes.data(), bytes.size(), at_once);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (!may_go_on() || !wait_for(context_->fd, POLLOUT, deadline)) {
      return false;
    }
  }
  return true;
}

bool Connection::receive(Reply& reply, stores::Deadline deadline) {
  std::array<char, buffer_size> buffer;
  for (;;) {
    void* answer = nullptr;
    if (redisReaderGetReply(context_->reader, &answer) != REDIS_OK) return false;
    if (answer != nullptr) {
      reply.reset(static_cast<redisReply*>(answer));
      return true;
    }
    const auto size = receive_plain(buffer, deadline);
    if (!size) return false;
    if (redisReaderFeed(context_->reader, buffer.data(), *size) != REDIS_OK) return false;
  }
}

std::optional<std::size_t> Connection::receive_raw(std::span<char> buffer,
                                                   stores::Deadline deadline) {
  for (;;) {
    // The usual case, an answer that has to be waited for and comes in one piece, takes no poll().
    const bool may_block = stores::milliseconds_until(deadline) >= receive_timeout_.count();
    const ssize_t received =
        recv(context_->fd, buffer.data(), buffer.size(), may_block ? 0 : at_once);
    if (received > 0) return static_cast<std::size_t>(received);
    if (received == 0 || !may_go_on() || !wait_for(context_->fd, POLLIN, deadline)) {
      return std::nullopt;
    }
  }
}

std::optional<std::size_t> Connection::receive_plain(std::span<char> buffer,
                                                     stores::Deadline deadline) {
  if (!tls_) return receive_raw(buffer, deadline);
  for (;;) {
    const auto read = tls_->read(buffer);
    if (!read || *read > 0) return read;
    // TLS itself may have something to say.
    if (!send_raw(tls_->take_outgoing(), deadline)) return std::nullopt;
    const auto received = receive_raw(buffer, deadline);
    if (!received) return std::nullopt;
    tls_->feed({buffer.data(), *received});
  }
}

void Connection::start_tls(stores::Deadline deadline) {
  std::array<char, buffer_size> buffer;
  for (;;) {
    const bool done = tls_->shake_hands();
    const bool sent = send_raw(tls_->take_outgoing(), deadline);
    if (done && sent) return;
    // What the server has said before it closed the connection may say why.
    const auto received = done ? std::nullopt : receive_raw(buffer, deadline);
    if (!received) {
      throw StoreError(StoreErrc::unavailable, "the connection was lost while TLS was set up");
    }
    tls_->feed({buffer.data(), *received});
  }
}

}  // namespace nexus::idempotency::redis
