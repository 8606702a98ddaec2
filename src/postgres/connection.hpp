// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_POSTGRES_CONNECTION_HPP
#define NEXUS_IDEMPOTENCY_POSTGRES_CONNECTION_HPP

// A connection of the store's own. Underneath it is asynchronous, so that every wait has an end.

#include <chrono>
#include <optional>
#include <string>

#include "postgres/input_watch.hpp"
#include "postgres/libpq.hpp"
#include "postgres/parameters.hpp"
#include "postgres/session.hpp"
#include "stores/milliseconds.hpp"

namespace nexus::idempotency::postgres {

class Connection final : public Session {
 public:
  // `answer_timeout`: how long each of the functions below waits.
  // Errors: StoreError if it isn't connected after `connect_timeout`. Looking up a host name is
  // libpq's doing, and is not cut short.
  Connection(const std::string& conninfo, std::chrono::milliseconds connect_timeout,
             std::chrono::milliseconds answer_timeout);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Returns: whether the server has not closed it meanwhile, as far as can be told without a round
  // trip. For use between statements.
  [[nodiscard]] bool is_alive();

  // Each waits for all of the answer. After a fault that is `lost` the connection is not alive.
  [[nodiscard]] Reply run(const std::string& text) override;
  [[nodiscard]] Reply run_with(const char* text, const Parameters& parameters) override;
  [[nodiscard]] Reply run_prepared(const char* name, const Parameters& parameters);

  // What has been done in the session; the user of the connection keeps these.
  bool is_set_up = false;
  bool is_prepared = false;

 private:
  [[nodiscard]] Reply answer(int sent);
  [[nodiscard]] Reply lost();
  // Return: false if the connection broke or the deadline passed.
  [[nodiscard]] bool flush(stores::Deadline deadline);
  [[nodiscard]] bool read_until_ready(stores::Deadline deadline);

  const std::chrono::milliseconds answer_timeout_;
  ConnectionHandle handle_;
  std::optional<InputWatch> input_;  // on libpq's socket, once it is connected
  bool given_up_ = false;
  bool ending_ = false;  // the server has said so
};

}  // namespace nexus::idempotency::postgres

#endif  // NEXUS_IDEMPOTENCY_POSTGRES_CONNECTION_HPP
