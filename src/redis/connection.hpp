// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_REDIS_CONNECTION_HPP
#define NEXUS_IDEMPOTENCY_REDIS_CONNECTION_HPP

// A connection to one server. hiredis makes it and takes the answers apart; what is between, this
// does itself, so that every wait has an end and no signal is raised.

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "redis/address.hpp"
#include "redis/commands.hpp"
#include "redis/hiredis.hpp"
#include "redis/tls.hpp"
#include "stores/milliseconds.hpp"

namespace nexus::idempotency::redis {

class Connection {
 public:
  // `usual_wait`: the least that run() usually has until its deadline; it takes fewer system calls
  // then. `tls`: if not null, with TLS.
  // Errors: StoreError if it isn't connected, with TLS, after `timeout`. Looking up a host name is
  // the system's doing, and is not cut short.
  Connection(const Address& address, std::chrono::milliseconds timeout,
             std::chrono::milliseconds usual_wait, const TlsContext* tls);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Returns: whether the server has not closed it meanwhile, as far as can be told without a round
  // trip. For use between commands.
  [[nodiscard]] bool is_alive();

  // Effects: sends all commands at once, and waits for all of their answers.
  // Returns: the answers, in order, be they errors; nothing if they were not all had by `deadline`.
  // The connection is not alive then.
  [[nodiscard]] std::vector<Reply> run(const Commands& commands, stores::Deadline deadline);

  // Returns: why TLS ended the connection, if it did; else "".
  [[nodiscard]] std::string tls_failure() const { return tls_ ? tls_->failure() : std::string(); }

 private:
  // Return: false if the connection broke or the deadline passed.
  [[nodiscard]] bool send(std::string_view bytes, stores::Deadline deadline);
  [[nodiscard]] bool receive(Reply& reply, stores::Deadline deadline);
  [[nodiscard]] bool send_raw(std::string_view bytes, stores::Deadline deadline);

  void start_tls(stores::Deadline deadline);
  // Effects: receives what is there, or waits for something until `deadline`.
  // Returns: how much; nothing if the connection broke or the deadline passed.
  [[nodiscard]] std::optional<std::size_t> receive_raw(std::span<char> buffer,
                                                       stores::Deadline deadline);
  // As receive_raw(), without TLS around it.
  [[nodiscard]] std::optional<std::size_t> receive_plain(std::span<char> buffer,
                                                         stores::Deadline deadline);

  const std::chrono::milliseconds receive_timeout_;  // the socket's own
  ContextHandle context_;
  std::optional<TlsSession> tls_;
  bool given_up_ = false;
};

}  // namespace nexus::idempotency::redis

#endif  // NEXUS_IDEMPOTENCY_REDIS_CONNECTION_HPP
