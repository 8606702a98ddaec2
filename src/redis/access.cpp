// SPDX-License-Identifier: MIT
#include "redis/access.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/redis/redis_store.hpp"
#include "nexus/idempotency/time.hpp"
#include "redis/address.hpp"
#include "redis/commands.hpp"
#include "redis/connection.hpp"
#include "redis/faults.hpp"
#include "redis/hiredis.hpp"
#include "redis/require.hpp"
#include "redis/tls.hpp"
#include "stores/milliseconds.hpp"

namespace nexus::idempotency::redis {
namespace {

RedisStoreOptions checked(RedisStoreOptions options) {
  for (const Duration time : {options.connect_timeout, options.command_timeout}) {
    require(time > Duration::zero(), "every duration must be more than zero");
  }
  require(options.user.empty() || !options.password.empty(), "a user needs a password");
  if (options.unix_socket.empty()) {
    require(!options.host.empty() && options.port != 0, "there must be a host and a port");
  }
  require(options.host.find('\0') == std::string::npos &&
              options.unix_socket.find('\0') == std::string::npos,
          "an address must not hold a NUL");
  const bool has_tls_options = !options.tls_ca_file.empty() ||
                               !options.tls_certificate_file.empty() ||
                               !options.tls_key_file.empty() || !options.tls_server_name.empty();
  require(options.tls || !has_tls_options, "there are options of TLS, but `tls` is not set");
  require(!options.tls || options.unix_socket.empty(), "a socket is reached without TLS");
  require(options.tls_certificate_file.empty() == options.tls_key_file.empty(),
          "a certificate needs a key, and a key a certificate");
  require(options.tls_server_name.find('\0') == std::string::npos,
          "tls_server_name must not hold a NUL");
  return options;
}

}  // namespace

Access::Access(RedisStoreOptions options)
    : options_(checked(std::move(options))),
      tls_(options_.tls ? std::make_optional<TlsContext>(options_) : std::nullopt) {}

Address Access::address() const {
  return {options_.host, options_.port, options_.unix_socket};
}

Access::Opened Access::open(const Address& address, const Commands& commands) const {
  const auto timeout = stores::milliseconds_up(options_.connect_timeout);
  const stores::Deadline deadline = stores::deadline_in(timeout);
  auto connection = std::make_unique<Connection>(
      address, timeout, stores::milliseconds_up(options_.command_timeout), tls_ ? &*tls_ : nullptr);
  Commands all;
  if (!options_.password.empty()) {
    options_.user.empty() ? all.add({"AUTH", options_.password})
                          : all.add({"AUTH", options_.user, options_.password});
  }
  all.add(commands);
  std::vector<Reply> replies = connection->run(all, deadline);
  if (replies.empty()) {
    // The server's refusal of a certificate comes only now.
    const std::string reason = connection->tls_failure();
    if (!reason.empty()) throw StoreError(StoreErrc::misconfigured, "TLS failed: " + reason);
    throw StoreError(StoreErrc::unavailable, "the connection was lost while it was set up");
  }
  for (const Reply& reply : replies) {
    if (is_error(reply)) throw server_error(text_of(*reply));
  }
  return {std::move(connection), std::move(replies.back())};
}

}  // namespace nexus::idempotency::redis
